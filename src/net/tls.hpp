#pragma once
#include <memory>
#include <string>

#include "base/result.hpp"
#include "net/stream.hpp"
#include "net/worker.hpp"

namespace portcullis::net {

/// What a TLS client trusts: the system's authorities and, where given, those of one more file.
///
/// Threads: immutable after make(); shared by all workers.
/// Source:  RFC 8446 and RFC 5246 (1.2 is the lowest version), RFC 6125 for names.
class TlsClientContext {
 public:
  /// @returns invalid_input if `ca_file` is given and cannot be read as PEM certificates.
  static Result<std::shared_ptr<TlsClientContext>> make(const std::string& ca_file);
  ~TlsClientContext();

  struct Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  TlsClientContext();
  std::unique_ptr<Impl> impl_;
};

}  // namespace portcullis::net
