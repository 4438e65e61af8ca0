#include "state/redis/notices.hpp"

#include <array>

#include "state/redis/words.hpp"

namespace portcullis::state {

Notices::Notices(RedisStore& store, Subscriber& subscriber, std::string node,
                 std::function<void(std::string_view text)> heard)
    : store_(store), node_(std::move(node)) {
  subscriber.listen(
      channel(),
      [this, heard = std::move(heard)](std::string_view payload) {
        if (take_word(payload) != node_) heard(payload);
      },
      [] {});
}

void Notices::tell(std::string text) {
  if (store_.up()) spawn(publish(*this, std::move(text)));
}

Task<void> Notices::publish(Notices& self, std::string text) {
  constexpr std::string_view kServerTime = "0";
  const std::string channel = self.channel();
  const std::string payload = self.node_ + ' ' + text;
  const std::array<std::string_view, 1> keys{channel};
  const std::array<std::string_view, 3> values{kServerTime, channel, payload};
  (void)co_await self.store_.run(scripts::tell(), keys, values);
}

}  // namespace portcullis::state
