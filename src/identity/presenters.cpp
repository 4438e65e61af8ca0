#include "identity/presenters.hpp"

#include <algorithm>
#include <cstring>

#include "base/siphash.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace portcullis::identity {
namespace {

using http::Platform;

using Hash = std::array<std::uint64_t, 2>;

/// Goes on from one hash to the next; `input` says which one, so that none stands for another.
Hash with(Hash before, std::uint64_t input, std::string_view value) {
  before[0] ^= input;
  return siphash128(value, before);
}

Hash headers_of(const Hash& key, std::string_view user_agent, std::string_view accept_language) {
  return siphash128(accept_language, siphash128(user_agent, key));
}

std::string_view bytes_of(const std::uint64_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

std::string hex_of(const Hash& hash) {
  return text::hex({reinterpret_cast<const char*>(hash.data()), sizeof hash});
}

}  // namespace

Presenters::Presenters(const std::vector<std::string>& secrets) {
  for (const auto& secret : secrets) {
    Keys& keys = keys_.emplace_back();
    const auto print = crypto::hkdf(secret, "portcullis fingerprint v1", sizeof keys.fingerprint);
    std::memcpy(keys.fingerprint.data(), print.data(), sizeof keys.fingerprint);
    const auto network = crypto::hkdf(secret, "portcullis network v1", sizeof keys.network);
    std::memcpy(keys.network.data(), network.data(), sizeof keys.network);
  }
}

std::uint64_t Presenters::network(const IpAddress& address, const SipKey& key) {
  const IpAddress network = address.network();
  return siphash128(network.octets(), key)[0];
}

std::vector<std::uint64_t> Presenters::networks(const IpAddress& address) const {
  std::vector<std::uint64_t> out;
  for (const auto& keys : keys_) out.push_back(network(address, keys.network));
  return out;
}

http::Presenter Presenters::of(const http::RequestHead& head, const IpAddress& address,
                               const http::SessionClaims& session) const {
  const Keys& keys = keys_[std::min<std::size_t>(session.key, keys_.size() - 1)];
  const auto user_agent = head.get("user-agent");
  const auto platform = head.find("sec-ch-ua-platform");
  const auto mobile = head.find("sec-ch-ua-mobile");
  http::Presenter out;
  out.ipv4 = address.network().is_v4();
  out.network = network(address, keys.network);
  const Hash agent = siphash128(user_agent, keys.fingerprint);
  if (!user_agent.empty()) out.user_agent = siphash128({}, agent)[0] | 1;
  Hash print = siphash128(head.get("accept-language"), agent);
  if (platform) print = with(print, 1, *platform);
  if (mobile) print = with(print, 2, *mobile);
  if (session.device != 0) print = with(print, 3, bytes_of(session.device));
  out.fingerprint = print;
  out.platform = platform_of(platform.value_or(""), user_agent);
  return out;
}

std::uint64_t Presenters::device(std::string_view screen, std::string_view time_zone) const {
  if (screen.empty() && time_zone.empty()) return 0;
  return headers_of(keys_.front().fingerprint, screen, time_zone)[0] | 1;
}

std::string Presenters::browser(std::string_view user_agent,
                                std::string_view accept_language) const {
  return hex_of(headers_of(keys_.front().fingerprint, user_agent, accept_language));
}

bool is_elsewhere(const http::SessionClaims& session, const http::Presenter& presenter) noexcept {
  return session.owner && session.owner->network != presenter.network;
}

Standing standing_of(const http::SessionClaims& session, const http::Presenter& presenter,
                     const SessionUse& use, WallTime now) noexcept {
  if (!session.owner) return Standing::owner;
  const auto& owner = *session.owner;
  const bool same_browser = presenter.fingerprint == owner.fingerprint;
  if (!is_elsewhere(session, presenter)) {
    return same_browser ? Standing::owner : Standing::neighbour;
  }
  const WallTime active = std::max(use.owner_active, session.issued);
  const bool switched =
      presenter.ipv4 != owner.ipv4 && same_browser && now <= active + Presenters::kFamilySwitch;
  return switched ? Standing::owner : Standing::stranger;
}

Platform platform_of(std::string_view hint, std::string_view user_agent) noexcept {
  static constexpr std::pair<std::string_view, Platform> kHints[] = {
      {"\"Windows\"", Platform::windows},
      {"\"macOS\"", Platform::macos},
      {"\"iOS\"", Platform::ios},
      {"\"Android\"", Platform::android},
      {"\"Linux\"", Platform::linux},
      {"\"Chrome OS\"", Platform::chromeos},
      {"\"Chromium OS\"", Platform::chromeos}};
  for (const auto& [name, platform] : kHints) {
    if (hint == name) return platform;
  }
  // Phones name the system that theirs descends from, too, so they come first.
  static constexpr std::pair<std::string_view, Platform> kAgents[] = {
      {"Windows", Platform::windows}, {"Android", Platform::android}, {"iPhone", Platform::ios},
      {"iPad", Platform::ios},        {"Macintosh", Platform::macos}, {"CrOS", Platform::chromeos},
      {"Linux", Platform::linux}};
  // It stands in the first parentheses.
  const auto system = user_agent.substr(0, user_agent.find(')'));
  for (const auto& [name, platform] : kAgents) {
    if (system.find(name) != std::string_view::npos) return platform;
  }
  return Platform::unknown;
}

bool may_be_one_device(Platform a, Platform b) noexcept {
  if (a == b || a == Platform::unknown || b == Platform::unknown) return true;
  const auto are = [&](Platform one, Platform other) {
    return (a == one && b == other) || (a == other && b == one);
  };
  return are(Platform::ios, Platform::macos) || are(Platform::android, Platform::linux);
}

std::string fingerprint_text(const http::Presenter& presenter) {
  return hex_of(presenter.fingerprint);
}

}  // namespace portcullis::identity
