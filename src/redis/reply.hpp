#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct redisReply;

namespace portcullis::redis {

/// Part of a reply: a look at what a Reply owns.
///
/// What is asked for and not there is empty, zero, or a view of nothing: a server that answers in
/// another form than its script promises cannot bring anything down.
class ReplyView {
 public:
  explicit ReplyView(const redisReply* reply = nullptr) noexcept : reply_(reply) {}

  bool is_nil() const noexcept;
  bool is_error() const noexcept;
  bool is_array() const noexcept;
  /// Of a string, a status or an error.
  std::string_view text() const noexcept;
  /// Of an integer, or of a string that is one.
  std::int64_t integer() const noexcept;
  std::size_t size() const noexcept;
  ReplyView operator[](std::size_t index) const noexcept;

 private:
  const redisReply* reply_;
};

/// A whole reply.
class Reply {
 public:
  Reply() = default;
  /// Takes over what hiredis made.
  explicit Reply(redisReply* reply) noexcept : reply_(reply) {}

  ReplyView view() const noexcept { return ReplyView(reply_.get()); }
  bool is_error() const noexcept { return view().is_error(); }
  std::string_view text() const noexcept { return view().text(); }
  std::int64_t integer() const noexcept { return view().integer(); }
  std::size_t size() const noexcept { return view().size(); }
  ReplyView operator[](std::size_t index) const noexcept { return view()[index]; }

 private:
  struct Free {
    void operator()(redisReply* reply) const noexcept;
  };
  std::unique_ptr<redisReply, Free> reply_;
};

/// Appends a command in the protocol's form. `words` may hold any bytes.
/// Source: RESP2. Written here, since hiredis' formatter calls sprintf for every word, which was a
/// tenth of what a message cost.
void append_command(std::string& out, std::span<const std::string_view> words);

/// Reads replies from bytes as they come.
///
/// Threads: one.  Bounds: a reply is at most kMaxReply bytes, an array at most kMaxElements;
///          beyond, the stream is malformed.
class ReplyReader {
 public:
  static constexpr std::size_t kMaxReply = 16 << 20;
  static constexpr std::size_t kMaxElements = 32'768;

  ReplyReader();
  /// Takes bytes in. @returns false where they are no RESP; the reader is of no use then.
  bool feed(std::string_view bytes);
  /// The next whole reply, if there is one; `broken` where the bytes are no RESP.
  enum class Outcome : std::uint8_t { reply, more, broken };
  Outcome next(Reply& out);

 private:
  struct Free {
    void operator()(void* reader) const noexcept;
  };
  std::unique_ptr<void, Free> reader_;
  std::size_t since_reply_ = 0;
};

}  // namespace portcullis::redis
