#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "http/exchange.hpp"

namespace portcullis::http {

/// A request that a message on another protocol's connection stands for: it takes the road of every
/// request, with all guards, and its answer comes back here.
///
/// Threads:   the worker of the connection that it came by.
/// Ownership: whoever handles the connection; that exchange outlives this one.
class InnerExchange : public Exchange {
 public:
  /// `head_text`: request line and fields as they would come over the wire. It speaks for the same
  /// client as `outer` does.
  InnerExchange(const Exchange& outer, std::string head_text, std::string body);

  bool body_done() const noexcept override { return body_read_ || body_.empty(); }
  // What happens to the connection.
  void leave() { set_gone(); }
  void start_draining() { set_draining(); }

 protected:
  /// A whole answer, the beginning of a stream, and what comes of it.
  virtual Task<bool> take_answer(const Response& response) = 0;
  virtual Task<bool> take_chunk(std::string_view chunk) = 0;

  Eventual<Result<std::string_view>> do_read_body(std::uint64_t limit) override;
  Eventual<Result<std::string_view>> do_read_some_body(std::uint64_t limit) override;
  Eventual<Result<void>> do_send(const Response& response) override;
  Eventual<Result<void>> do_start(const ResponseHead& head) override;
  Eventual<Result<void>> do_write(std::string_view chunk) override;
  Eventual<Result<void>> do_end() override;
  Task<Result<Upgraded>> do_upgrade(const ResponseHead& head) override;

 private:
  static Task<Result<void>> result_of(Task<bool> taken);

  const std::string head_text_;
  const std::string body_;
  bool body_read_ = false;
};

}  // namespace portcullis::http
