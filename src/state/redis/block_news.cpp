#include "state/redis/block_news.hpp"

#include <array>

#include "base/text.hpp"
#include "state/redis/words.hpp"

namespace portcullis::state {
namespace {

constexpr std::int64_t kPage = 500;
/// Pages overlap: blocks that end between two of them move the others forward.
constexpr std::int64_t kNextPage = 400;
constexpr std::string_view kServerTime = "0";

}  // namespace

std::string BlockNews::text_of(const Block& block) {
  return std::to_string(epoch_millis(block.since)) + ' ' +
         std::to_string(epoch_millis(block.until)) +
         (block.by == Block::By::operator_ ? " operator " : " rule ") +
         std::to_string(block.offences) + ' ' + block.reason;
}

std::optional<Block> BlockNews::parse(std::string_view text) {
  const auto since = text::parse_number<std::int64_t>(take_word(text));
  const auto until = text::parse_number<std::int64_t>(take_word(text));
  const auto by = take_word(text);
  const auto offences = text::parse_number<std::uint32_t>(take_word(text));
  // Our clocks count nanoseconds, until the year 2262.
  constexpr std::int64_t kLatest = 9'000'000'000'000;
  if (!since || !until || !offences || *since < 0 || *until < *since || *until > kLatest ||
      (by != "rule" && by != "operator")) {
    return std::nullopt;
  }
  return Block{WallTime{Milliseconds{*since}}, WallTime{Milliseconds{*until}},
               by == "rule" ? Block::By::rule : Block::By::operator_,
               std::string(text.substr(0, 200)), *offences};
}

BlockNews::BlockNews(RedisStore& store, Subscriber& subscriber, BlockTable& table,
                     std::size_t max_blocks)
    : store_(store), table_(table), max_blocks_(max_blocks) {
  subscriber.listen(
      name("news"),
      [this](std::string_view payload) {
        const auto network = take_word(payload);
        learn(network, payload);
      },
      [this] { spawn(exchange_all()); });
}

void BlockNews::renew() {
  if (worker_ != nullptr) worker_->post([this] { spawn(exchange_all()); });
}

void BlockNews::check() {
  if (behind_) renew();
}

/// Reads all blocks there are, and then tells those of this node. News that come meanwhile are
/// learned as well: which decision counts does not depend on the order in which they come.
Task<void> BlockNews::exchange_all() {
  behind_ = true;
  const std::string order = name("order");
  const std::string blocks = name("table");
  const std::array<std::string_view, 2> keys{order, blocks};
  for (std::int64_t first = 0;; first += kNextPage) {
    const std::string from = std::to_string(first);
    const std::string number = std::to_string(kPage);
    const std::array<std::string_view, 3> values{kServerTime, from, number};
    const auto page = co_await store_.run(scripts::blocks_page(), keys, values);
    if (!page) co_return;  // still behind
    for (std::size_t i = 0; i + 1 < page->size(); i += 2) {
      learn((*page)[i].text(), (*page)[i + 1].text());
    }
    if (page->size() < 2 * static_cast<std::size_t>(kPage)) break;
  }
  for (const auto& [network, block] : table_.decided()) {
    if (!co_await tell(network, block)) co_return;
  }
  behind_ = false;
}

void BlockNews::learn(std::string_view network, std::string_view block) {
  const auto address = IpAddress::parse(network);
  const auto parsed = parse(block);
  if (address && parsed) table_.learn(*address, *parsed);
}

void BlockNews::made(const IpAddress& network, const Block& block) {
  if (!store_.up()) return;  // told when Redis is back
  spawn([](BlockNews& self, IpAddress where, Block what) -> Task<void> {
    if (!co_await self.tell(where, std::move(what))) self.behind_ = true;
  }(*this, network, block));
}

Task<bool> BlockNews::tell(IpAddress network, Block block) {
  const std::string order = name("order");
  const std::string blocks = name("table");
  const std::array<std::string_view, 2> keys{order, blocks};
  const std::string where = network.text();
  const std::string until = std::to_string(epoch_seconds(block.until));
  const std::string what = text_of(block);
  const std::string memory = std::to_string(BlockTable::kMemory.count());
  const std::string most = std::to_string(max_blocks_);
  const std::string channel = name("news");
  const std::array<std::string_view, 7> values{kServerTime, where, until,  what,
                                               memory,      most,  channel};
  co_return (co_await store_.run(scripts::block(), keys, values)).has_value();
}

}  // namespace portcullis::state
