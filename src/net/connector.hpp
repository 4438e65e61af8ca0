#pragma once
#include <memory>
#include <string>

#include "base/task.hpp"
#include "net/names.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"
#include "net/worker.hpp"

namespace portcullis::net {

/// Where a client connects to.
struct Target {
  std::string host;  ///< name or address, without brackets
  std::uint16_t port = 0;
  std::shared_ptr<TlsClientContext> tls;  ///< null: plain TCP
};

/// Resolves, connects (each address in turn) and, for TLS, shakes hands, all within `timeout`.
///
/// Threads: the worker's.  Errors: refused, timeout, unavailable (name or certificate); all are
/// Retry::safe, since nothing of a request has been sent. How long names are kept: resolve().
Task<Result<std::unique_ptr<Stream>>> connect(Worker& worker, Target target, Milliseconds timeout,
                                              Lookup lookup = system_lookup);

}  // namespace portcullis::net
