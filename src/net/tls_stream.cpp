#include "net/tls_stream.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "net/tcp_stream.hpp"

namespace portcullis::net {

namespace asio = boost::asio;

struct TlsClientContext::Impl {
  asio::ssl::context context{asio::ssl::context::tls_client};
};

TlsClientContext::TlsClientContext() : impl_(std::make_unique<Impl>()) {}
TlsClientContext::~TlsClientContext() = default;

namespace {

/// Works out now what OpenSSL would of each authority at its first use, when workers share them.
void prepare_authorities(SSL_CTX* context) {
  const STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    X509* authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (authority != nullptr) X509_check_purpose(authority, -1, 0);
  }
}

}  // namespace

Result<std::shared_ptr<TlsClientContext>> TlsClientContext::make(const TlsClientFiles& files) {
  std::shared_ptr<TlsClientContext> out(new TlsClientContext);
  auto& context = out->impl_->context;
  boost::system::error_code error;
  context.set_default_verify_paths(error);
  const auto wrong = [&](const std::string& file) {
    return fail(ErrorCode::invalid_input, file + ": " + error.message());
  };
  if (!files.authorities.empty()) {
    context.load_verify_file(files.authorities, error);
    if (error) return wrong(files.authorities);
  }
  if (!files.certificate.empty()) {
    context.use_certificate_chain_file(files.certificate, error);
    if (error) return wrong(files.certificate);
    context.use_private_key_file(files.key, asio::ssl::context::pem, error);
    if (error) return wrong(files.key);
  }
  context.set_verify_mode(asio::ssl::verify_peer);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  prepare_authorities(context.native_handle());
  return out;
}

namespace {

class TlsStream final : public Stream {
 public:
  TlsStream(asio::ip::tcp::socket socket, TlsClientContext& context)
      : stream_(std::move(socket), context.impl().context) {
    boost::system::error_code ignored;
    const auto endpoint = stream_.next_layer().remote_endpoint(ignored);
    if (!ignored) peer_ = address_of(endpoint.address());
    stream_.next_layer().set_option(asio::ip::tcp::no_delay(true), ignored);
  }

  void shutdown_send() override {
    boost::system::error_code ignored;
    stream_.next_layer().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
  void cancel() override {
    boost::system::error_code ignored;
    stream_.next_layer().cancel(ignored);
  }
  void close() override {
    boost::system::error_code ignored;
    stream_.next_layer().close(ignored);
  }
  void abort() override {
    boost::system::error_code ignored;
    stream_.next_layer().set_option(asio::socket_base::linger(true, 0), ignored);
    close();
  }
  // A client side needs no watch: its reader is always reading.
  void watch_peer(PeerGone, void*) override {}
  void unwatch_peer() noexcept override {}
  // Bytes that nobody asked for would be taken for the next answer, and an end may stand behind
  // them.
  bool looks_idle() const override {
    auto& stream = const_cast<TlsStream*>(this)->stream_;
    char byte;
    const ssize_t n =
        ::recv(stream.next_layer().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && errno == EAGAIN && SSL_pending(stream.native_handle()) == 0;
  }
  // As far as is known: what the socket has taken.
  std::uint64_t bytes_delivered() const noexcept override { return bytes_sent_; }
  bool is_tls() const noexcept override { return true; }
  IpAddress peer_address() const override { return peer_; }

  class Handshake {
   public:
    Handshake(TlsStream& stream, const std::string& host) : stream_(stream), host_(host) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      operation_.waiter = waiter;
      auto& ssl = stream_.stream_;
      // Server name indication carries names only, never addresses (RFC 6066 section 3).
      if (!IpAddress::parse(host_)) SSL_set_tlsext_host_name(ssl.native_handle(), host_.c_str());
      ssl.set_verify_callback(asio::ssl::host_name_verification(host_));
      ssl.async_handshake(asio::ssl::stream_base::client,
                          [this](const boost::system::error_code& error) {
                            operation_.error = error;
                            operation_.waiter.resume();
                          });
    }
    Result<void> await_resume() const {
      if (!operation_.error) return {};
      return fail(ErrorCode::unavailable, "TLS: " + operation_.error.message(),
                  ErrorOrigin::upstream, Retry::safe);
    }

   private:
    TlsStream& stream_;
    const std::string& host_;
    IoOperation operation_;
  };

 protected:
  bool try_read(std::span<char>, IoOperation&) override { return false; }
  void start_read(std::span<char> into, IoOperation& operation) override {
    stream_.async_read_some(asio::buffer(into.data(), into.size()),
                            [&operation](const boost::system::error_code& error, std::size_t n) {
                              operation.error = error;
                              operation.bytes = n;
                              operation.waiter.resume();
                            });
  }
  bool try_write(std::string_view&, std::string_view&, IoOperation&) override { return false; }
  void start_write(std::string_view first, std::string_view second,
                   IoOperation& operation) override {
    const std::array<asio::const_buffer, 2> pieces{asio::buffer(first.data(), first.size()),
                                                   asio::buffer(second.data(), second.size())};
    asio::async_write(stream_, pieces,
                      [this, &operation](const boost::system::error_code& error, std::size_t n) {
                        operation.error = error;
                        operation.bytes += n;
                        bytes_sent_ += n;
                        operation.waiter.resume();
                      });
  }

 private:
  asio::ssl::stream<asio::ip::tcp::socket> stream_;
  std::uint64_t bytes_sent_ = 0;
  IpAddress peer_;
};

}  // namespace

Task<Result<std::unique_ptr<Stream>>> tls_handshake(boost::asio::ip::tcp::socket socket,
                                                    std::shared_ptr<TlsClientContext> context,
                                                    std::string host, Deadlines& wheel,
                                                    Milliseconds timeout) {
  auto stream = std::make_unique<TlsStream>(std::move(socket), *context);
  struct Patience {
    TlsStream& stream;
    bool over = false;
  } patience{*stream};
  DeadlineTimer timer(
      wheel,
      [](void* context) {
        auto& p = *static_cast<Patience*>(context);
        p.over = true;
        p.stream.close();
      },
      &patience);
  timer.arm(timeout);
  auto done = co_await TlsStream::Handshake(*stream, host);
  timer.disarm();
  if (patience.over) {
    co_return fail(ErrorCode::timeout, "the TLS handshake took too long", ErrorOrigin::upstream,
                   Retry::safe);
  }
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace portcullis::net
