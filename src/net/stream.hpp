#pragma once
#include <boost/system/error_code.hpp>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/address.hpp"
#include "base/result.hpp"

namespace portcullis::net {

/// One read or write under way: where its outcome goes and who waits for it.
struct IoOperation {
  std::coroutine_handle<> waiter;
  boost::system::error_code error;
  std::size_t bytes = 0;
};

Result<std::size_t> io_result(const IoOperation& operation);

/// A connected byte stream, plain or TLS, behind one type, so that what reads and writes is
/// compiled once.
///
/// Threads:   one worker.  At most one read and one write at a time.
/// Ownership: must outlive its operations: close() first, let the waiting coroutine run to its end,
///            then destroy.
/// Errors:    closed (orderly end), reset, cancelled (by close()), as Result.
/// Cost:      a virtual call and asio's recycled handler memory per operation that has to wait;
///            a write that fits the socket buffer completes without waiting.
class Stream {
 public:
  virtual ~Stream() = default;

  class Read {
   public:
    Read(Stream& stream, std::span<char> into) noexcept : stream_(stream), into_(into) {}
    bool await_ready() { return stream_.try_read(into_, operation_); }
    void await_suspend(std::coroutine_handle<> waiter) {
      operation_.waiter = waiter;
      stream_.start_read(into_, operation_);
    }
    Result<std::size_t> await_resume() const { return io_result(operation_); }

   private:
    Stream& stream_;
    std::span<char> into_;
    IoOperation operation_;
  };

  class Write {
   public:
    Write(Stream& stream, std::string_view first, std::string_view second) noexcept
        : stream_(stream), first_(first), second_(second) {}
    /// Writes what goes without waiting; true when that was all.
    bool try_now() {
      tried_ = true;
      return done_ = stream_.try_write(first_, second_, operation_);
    }
    bool await_ready() { return tried_ ? done_ : try_now(); }
    void await_suspend(std::coroutine_handle<> waiter) {
      operation_.waiter = waiter;
      stream_.start_write(first_, second_, operation_);
    }
    Result<std::size_t> await_resume() const { return io_result(operation_); }

   private:
    Stream& stream_;
    std::string_view first_;
    std::string_view second_;
    IoOperation operation_;
    bool tried_ = false;
    bool done_ = false;
  };

  /// Reads what is there, at least one byte.
  Read read_some(std::span<char> into) noexcept { return {*this, into}; }
  /// Writes all of both pieces, which must stay valid until it is done.
  Write write(std::string_view first, std::string_view second = {}) noexcept {
    return {*this, first, second};
  }

  /// Tells the peer that nothing more comes; reading goes on.
  virtual void shutdown_send() = 0;
  /// Stops operations under way, which complete with `cancelled`; the stream stays usable.
  virtual void cancel() = 0;
  /// Ends everything; operations under way complete with `cancelled`.
  virtual void close() = 0;
  /// As close(), with a TCP reset: the kernel throws away what was not sent.
  virtual void abort() = 0;

  using PeerGone = void (*)(void* context);
  /// Calls `gone(context)` once when the peer has closed or reset the connection, without consuming
  /// what it sent; at once where that has happened already.
  virtual void watch_peer(PeerGone gone, void* context) = 0;
  virtual void unwatch_peer() noexcept = 0;

  /// Whether nothing is known to have come from the peer since the last read: no data, no end. For
  /// idle connections.
  virtual bool looks_idle() const = 0;
  virtual bool is_tls() const noexcept = 0;
  virtual IpAddress peer_address() const = 0;

  /// Bytes that the peer's side has taken so far, so that a slow reader differs from one that has
  /// stopped. May cost a system call.
  virtual std::uint64_t bytes_delivered() const noexcept = 0;

 protected:
  /// Reads where that needs no waiting; true when the operation is done.
  virtual bool try_read(std::span<char> into, IoOperation& operation) = 0;
  virtual void start_read(std::span<char> into, IoOperation& operation) = 0;
  /// Writes what goes without waiting and shortens the pieces by it; true when nothing is left to
  /// do.
  virtual bool try_write(std::string_view& first, std::string_view& second,
                         IoOperation& operation) = 0;
  virtual void start_write(std::string_view first, std::string_view second,
                           IoOperation& operation) = 0;
};

}  // namespace portcullis::net
