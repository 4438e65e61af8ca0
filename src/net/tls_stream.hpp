#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "base/task.hpp"
#include "net/tls.hpp"

namespace portcullis::net {

/// Makes a connected socket a verified TLS stream to `host`.
Task<Result<std::unique_ptr<Stream>>> tls_handshake(boost::asio::ip::tcp::socket socket,
                                                    std::shared_ptr<TlsClientContext> context,
                                                    std::string host, Deadlines& wheel,
                                                    Milliseconds timeout);

}  // namespace portcullis::net
