#pragma once
#include "upstream/assistant.hpp"

namespace portcullis::upstream {

/// The built-in assistant: answers with a few words about what it is, streamed a word at a time, so
/// that a newcomer can try everything before an upstream exists. It says that it is a demo.
class Demo final : public Assistant {
 public:
  /// `word_delay` 0 answers at once (for benches).
  explicit Demo(Milliseconds word_delay = Milliseconds{25}) : word_delay_(word_delay) {}
  std::string_view name() const noexcept override { return "demo"; }
  std::unique_ptr<Call> start(net::Worker& worker, Question question) override;
  Health health() const override { return Health::healthy; }

  static std::string answer_to(const Question& question);

 private:
  Milliseconds word_delay_;
};

}  // namespace portcullis::upstream
