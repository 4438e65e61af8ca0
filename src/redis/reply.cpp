#include "redis/reply.hpp"

#include <hiredis/hiredis.h>

#include <array>
#include <charconv>
#include <new>

#include "base/text.hpp"

namespace portcullis::redis {

bool ReplyView::is_nil() const noexcept {
  return reply_ == nullptr || reply_->type == REDIS_REPLY_NIL;
}
bool ReplyView::is_error() const noexcept {
  return reply_ != nullptr && reply_->type == REDIS_REPLY_ERROR;
}
bool ReplyView::is_array() const noexcept {
  return reply_ != nullptr && reply_->type == REDIS_REPLY_ARRAY;
}

std::string_view ReplyView::text() const noexcept {
  if (reply_ == nullptr || reply_->str == nullptr) return {};
  return {reply_->str, static_cast<std::size_t>(reply_->len)};
}

std::int64_t ReplyView::integer() const noexcept {
  if (reply_ == nullptr) return 0;
  if (reply_->type == REDIS_REPLY_INTEGER) return reply_->integer;
  return text::parse_number<std::int64_t>(text()).value_or(0);
}

std::size_t ReplyView::size() const noexcept { return is_array() ? reply_->elements : 0; }

ReplyView ReplyView::operator[](std::size_t index) const noexcept {
  return ReplyView(index < size() ? reply_->element[index] : nullptr);
}

void Reply::Free::operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }

void append_command(std::string& out, std::span<const std::string_view> words) {
  const auto put = [&](char kind, std::size_t number) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out += kind;
    out.append(digits.data(), end);
    out += "\r\n";
  };
  put('*', words.size());
  for (const auto word : words) {
    put('$', word.size());
    out += word;
    out += "\r\n";
  }
}

void ReplyReader::Free::operator()(void* reader) const noexcept {
  redisReaderFree(static_cast<redisReader*>(reader));
}

ReplyReader::ReplyReader() : reader_(redisReaderCreate()) {
  if (!reader_) throw std::bad_alloc();
  auto* reader = static_cast<redisReader*>(reader_.get());
  // An array is made as soon as its head says how long it is, before any of it has come.
  static const auto make_array = reader->fn->createArray;
  static redisReplyObjectFunctions bounded = [&] {
    auto out = *reader->fn;
    out.createArray = [](const redisReadTask* task, int elements) -> void* {
      return elements > static_cast<int>(kMaxElements) ? nullptr : make_array(task, elements);
    };
    return out;
  }();
  reader->fn = &bounded;
}

bool ReplyReader::feed(std::string_view bytes) {
  since_reply_ += bytes.size();
  if (since_reply_ > kMaxReply) return false;
  return redisReaderFeed(static_cast<redisReader*>(reader_.get()), bytes.data(), bytes.size()) ==
         REDIS_OK;
}

ReplyReader::Outcome ReplyReader::next(Reply& out) {
  void* reply = nullptr;
  if (redisReaderGetReply(static_cast<redisReader*>(reader_.get()), &reply) != REDIS_OK) {
    return Outcome::broken;
  }
  if (reply == nullptr) return Outcome::more;
  since_reply_ = 0;
  out = Reply(static_cast<redisReply*>(reply));
  return Outcome::reply;
}

}  // namespace portcullis::redis
