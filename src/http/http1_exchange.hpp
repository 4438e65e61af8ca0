#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/chunked_decoder.hpp"
#include "http/http1_connection.hpp"

namespace portcullis::http {

/// One request on a connection, and the answer to it. The connection has read the head; the
/// exchange reads the body where somebody asks for it, and writes the answer.
///
/// Threads:   the worker of the connection.
/// Ownership: lives in Http1Connection::run(). Works on the connection's stream, buffers and
///            deadlines, which outlive it.
/// Memory:    a body that has come with its head is not copied; a stream that lasts gives the read
///            buffer back and keeps the bytes of the head only.
/// Source:    RFC 9112 sections 6 and 7, RFC 9110 sections 7.8 (upgrade) and 10.1.1 (100-continue).
class Http1Exchange final : public Exchange {
 public:
  /// An exchange that lasts longer than this is watched for the client leaving.
  static constexpr Milliseconds kMonitorAfter{30};

  explicit Http1Exchange(Http1Connection& connection);
  ~Http1Exchange() override;

  // One of the two comes before the handler.
  /// Takes over the head that stands at the front of the connection's buffer.
  void accept_head();
  void refuse_framing(const FramingError& error);

  // What the connection tells it.
  void on_monitor();
  void peer_gone() { set_gone(); }
  void drain() { set_draining(); }

  // What the connection asks after the handler.
  bool keep_alive() const;
  bool body_done() const noexcept override { return body_done_; }
  bool ended() const noexcept { return ended_; }
  bool upgraded() const noexcept { return upgraded_; }

 protected:
  Eventual<Result<std::string_view>> do_read_body(std::uint64_t limit) override;
  Eventual<Result<std::string_view>> do_read_some_body(std::uint64_t limit) override;
  Eventual<Result<void>> do_send(const Response& response) override;
  Eventual<Result<void>> do_start(const ResponseHead& head) override;
  Eventual<Result<void>> do_write(std::string_view chunk) override;
  Eventual<Result<void>> do_end() override;
  Task<Result<Upgraded>> do_upgrade(const ResponseHead& head) override;

 private:
  // The body.
  Task<Result<std::string_view>> read_rest(std::uint64_t limit);
  Task<Result<void>> read_length(MonotonicTime deadline);
  Task<Result<void>> read_chunked(std::uint64_t limit, MonotonicTime deadline);
  Task<Result<std::string_view>> read_piece(std::uint64_t limit);
  Task<Result<void>> ask_for_body();
  Task<Result<std::size_t>> read_body_bytes(std::span<char> into, MonotonicTime deadline);
  bool can_discard() const;

  // The answer.
  std::string& begin_head(const ResponseHead& head);
  void finish_head(std::string& out);
  Eventual<Result<void>> write_all(std::string_view first, std::string_view second);
  Task<Result<void>> finish_write(net::Stream::Write writing);
  void shrink();

  Http1Connection& connection_;
  std::unique_ptr<char[]> own_head_;  ///< the head, once the connection's buffer is given back
  std::string body_;
  std::string_view body_view_;
  ChunkedDecoder chunks_;
  std::uint64_t passed_ = 0;  ///< bytes of a body that is read in pieces
  bool in_pieces_ = false;
  MonotonicTime::duration waited_{};  ///< for the bytes of this window
  std::uint64_t window_bytes_ = 0;
  std::uint64_t left_to_write_ = 0;  ///< of an answer whose length was said
  bool has_length_ = false;
  bool body_done_ = true;
  bool expects_continue_ = false;
  bool close_after_ = false;
  bool chunked_ = false;
  bool ended_ = false;
  bool upgraded_ = false;
};

}  // namespace portcullis::http
