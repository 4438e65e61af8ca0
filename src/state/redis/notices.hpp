#pragma once
#include <functional>
#include <string>

#include "state/redis/subscriber.hpp"

namespace portcullis::state {

/// Carries what operators tell visitors to the other nodes, by publish/subscribe: who is not
/// connected then does not hear it.
///
/// Threads:   tell() any worker; what is heard is told on the subscriber's.
/// Ownership: the subscriber and the store outlive it.
class Notices {
 public:
  /// `node`: which one this is, whose own words come back to nobody.
  Notices(RedisStore& store, Subscriber& subscriber, std::string node,
          std::function<void(std::string_view text)> heard);
  void tell(std::string text);

 private:
  static Task<void> publish(Notices& self, std::string text);
  std::string channel() const { return store_.single_key("notices", "news"); }

  RedisStore& store_;
  const std::string node_;
};

}  // namespace portcullis::state
