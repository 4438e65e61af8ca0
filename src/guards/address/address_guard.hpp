#pragma once
#include <memory>

#include "config/settings.hpp"
#include "observe/log.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Notes that a stranger sent forwarding headers: a proxy that somebody forgot to configure.
class ForwardingWarning {
 public:
  explicit ForwardingWarning(observe::Log& log) : log_(log) {}
  void note(const IpAddress& peer);
  bool seen() const noexcept { return seen_; }
  std::string peer() const;

 private:
  observe::Log& log_;
  std::atomic<bool> seen_{false};
  mutable std::mutex mutex_;
  IpAddress peer_;
};

/// First guard: who is calling, over what, under which request id. See README.md.
std::unique_ptr<pipeline::Guard> make_address_guard(const config::Settings& settings,
                                                    ForwardingWarning& warning);

}  // namespace portcullis::guards
