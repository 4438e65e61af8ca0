#pragma once
#include <memory>
#include <string>

#include "base/result.hpp"
#include "net/stream.hpp"
#include "net/worker.hpp"

namespace portcullis::net {

/// PEM files; each may be missing.
struct TlsClientFiles {
  std::string authorities{};  ///< to trust beside those of the system
  std::string certificate{};  ///< a chain, shown to servers that ask for one
  std::string key{};          ///< of its first certificate
};

/// What a TLS client trusts, and who it is.
///
/// Threads: immutable after make(); shared by all workers.
/// Source:  RFC 8446 and RFC 5246 (1.2 is the lowest version), RFC 6125 for names.
class TlsClientContext {
 public:
  /// @returns invalid_input for a file that is given and cannot be read as what it should be.
  static Result<std::shared_ptr<TlsClientContext>> make(const TlsClientFiles& files);
  ~TlsClientContext();

  struct Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  TlsClientContext();
  std::unique_ptr<Impl> impl_;
};

}  // namespace portcullis::net
