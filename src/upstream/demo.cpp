#include "upstream/demo.hpp"

#include "base/text.hpp"

namespace portcullis::upstream {
namespace {

constexpr std::size_t kQuoted = 200;

class DemoCall final : public Call {
 public:
  DemoCall(net::Worker& worker, std::string answer, Milliseconds delay)
      : worker_(worker), answer_(std::move(answer)), delay_(delay) {}

  Task<Result<std::optional<std::string>>> next() override {
    if (at_ == answer_.size()) co_return std::nullopt;
    if (at_ > 0) co_await worker_.sleep(delay_);
    if (cancelled_)
      co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
    const auto end = answer_.find(' ', at_ + 1);
    const std::size_t next = end == std::string::npos ? answer_.size() : end;
    std::string piece = answer_.substr(at_, next - at_);
    at_ = next;
    co_return piece;
  }
  void cancel() override { cancelled_ = true; }

 private:
  net::Worker& worker_;
  std::string answer_;
  Milliseconds delay_;
  std::size_t at_ = 0;
  bool cancelled_ = false;
};

}  // namespace

std::string Demo::answer_to(const Question& question) {
  const auto shown = text::utf8_prefix(question.message, kQuoted);
  std::string out = "This is the **demo assistant** of Portcullis. You wrote: \"";
  out += shown;
  out += shown.size() < question.message.size() ? "…\"" : "\"";
  out +=
      "\n\nYour message came through the gateway: origin, session and limits were checked, and "
      "this answer "
      "is streamed back word by word. To let a real assistant answer, set `N8N_WEBHOOK_URL`:\n\n"
      "- n8n: the URL of a webhook that responds\n- then start the gateway again";
  return out;
}

std::unique_ptr<Call> Demo::start(net::Worker& worker, Question question) {
  return std::make_unique<DemoCall>(worker, answer_to(question), word_delay_);
}

}  // namespace portcullis::upstream
