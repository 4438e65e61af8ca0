#include "identity/session_tokens.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/siphash.hpp"
#include "base/text.hpp"
#include "crypto/seal.hpp"

namespace portcullis::identity {
namespace {

/// Of tokens that do not say whom they were issued to, of those that do, and of those that say
/// more: nodes of before the third go on taking what has no need of it.
constexpr char kAnonymousVersion = 1;
constexpr char kOwnedVersion = 2;
constexpr char kBoundVersion = 3;
constexpr unsigned kBearerFlag = 1;
constexpr unsigned kRapidFlag = 2;
constexpr unsigned kIpv4Flag = 4;
constexpr unsigned kProvenFlag = 8;
constexpr unsigned kUserFlag = 16;
/// By version.
constexpr std::array<unsigned, 4> kFlags = {
    0, kBearerFlag, kBearerFlag | kRapidFlag | kIpv4Flag,
    kBearerFlag | kRapidFlag | kIpv4Flag | kProvenFlag | kUserFlag};
constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kThumbprintBytes = 32;
constexpr std::size_t kHandleKeyBytes = 32;
constexpr std::array<std::string_view, 3> kAudiences = {"client", "upstream", "audit"};

void append_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void append_text(std::string& out, std::string_view value) {
  out += static_cast<char>(value.size() >> 8 & 0xff);
  out += static_cast<char>(value.size() & 0xff);
  out += value;
}

char version_of(const http::SessionClaims& claims) {
  if (claims.proof_key || !claims.user.empty()) return kBoundVersion;
  return claims.owner ? kOwnedVersion : kAnonymousVersion;
}

unsigned flags_of(const http::SessionClaims& claims) {
  unsigned out = claims.bearer ? kBearerFlag : 0;
  if (!claims.owner) return out;
  if (claims.rapid) out |= kRapidFlag;
  if (claims.owner->ipv4) out |= kIpv4Flag;
  if (claims.proof_key) out |= kProvenFlag;
  if (!claims.user.empty()) out |= kUserFlag;
  return out;
}

std::string_view id_of(const http::SessionClaims& claims) {
  return {reinterpret_cast<const char*>(claims.id.data()), claims.id.size()};
}

void append_owner(std::string& out, const http::SessionClaims& claims) {
  const auto& owner = *claims.owner;
  append_u64(out, static_cast<std::uint64_t>(epoch_millis(claims.issued)));
  append_u64(out, claims.device);
  append_u64(out, owner.network);
  append_u64(out, owner.fingerprint[0]);
  append_u64(out, owner.fingerprint[1]);
  append_u64(out, owner.user_agent);
  out += static_cast<char>(owner.platform);
}

/// Reads the claims front to back; every read after the end fails.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_ && rest_.empty(); }

  std::string_view take(std::size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      return {};
    }
    const auto out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }
  unsigned u8() {
    const auto byte = take(1);
    return byte.empty() ? 0 : static_cast<unsigned char>(byte[0]);
  }
  std::uint64_t u64() {
    std::uint64_t value = 0;
    for (const char c : take(8)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string text() {
    const auto size = take(2);
    if (size.size() < 2) return {};
    const std::size_t count = static_cast<std::size_t>(static_cast<unsigned char>(size[0])) << 8 |
                              static_cast<unsigned char>(size[1]);
    return std::string(take(count));
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

void read_owner(Reader& reader, unsigned flags, http::SessionClaims& claims) {
  claims.issued = WallTime{Milliseconds{static_cast<std::int64_t>(reader.u64())}};
  claims.device = reader.u64();
  http::Presenter& owner = claims.owner.emplace();
  owner.ipv4 = (flags & kIpv4Flag) != 0;
  owner.network = reader.u64();
  owner.fingerprint = {reader.u64(), reader.u64()};
  owner.user_agent = reader.u64();
  owner.platform = static_cast<http::Platform>(reader.u8());
  claims.rapid = (flags & kRapidFlag) != 0;
}

}  // namespace

std::array<std::uint8_t, 32> new_session_id() {
  std::array<std::uint8_t, 32> id;
  const std::string bytes = crypto::random_bytes(id.size());
  std::memcpy(id.data(), bytes.data(), id.size());
  return id;
}

SessionTokens::SessionTokens(const std::vector<std::string>& secrets)
    : claim_key_(crypto::hkdf(secrets.front(), "portcullis claimed session v1")),
      presenters_(secrets) {
  for (const auto& secret : secrets) {
    auto& key =
        keys_.emplace_back(crypto::HmacKey(crypto::hkdf(secret, "portcullis session token v1")));
    key.users = crypto::hkdf(secret, "portcullis session user v1");
    const auto handles = crypto::hkdf(secret, "portcullis session handle v1", kHandleKeyBytes);
    std::array<SipKey, 2> roots;
    static_assert(sizeof roots == kHandleKeyBytes);
    std::memcpy(roots.data(), handles.data(), sizeof roots);
    for (std::size_t i = 0; i < kAudiences.size(); ++i) {
      key.handles[i] = {siphash128(kAudiences[i], roots[0]), siphash128(kAudiences[i], roots[1])};
    }
  }
}

std::string SessionTokens::issue(const http::SessionClaims& claims) const {
  assert((claims.owner || version_of(claims) == kAnonymousVersion) &&
         "nobody is bound by a form without an owner");
  std::string bytes;
  bytes.reserve(240 + claims.page_url.size());
  bytes += version_of(claims);
  bytes += static_cast<char>(flags_of(claims));
  bytes.append(reinterpret_cast<const char*>(claims.id.data()), claims.id.size());
  append_u64(bytes, static_cast<std::uint64_t>(epoch_seconds(claims.created)));
  append_u64(bytes, static_cast<std::uint64_t>(epoch_seconds(claims.expires)));
  if (claims.owner) append_owner(bytes, claims);
  if (claims.proof_key) bytes += crypto::bytes_of(*claims.proof_key);
  const auto& key = keys_[std::min<std::size_t>(claims.key, keys_.size() - 1)];
  if (!claims.user.empty()) append_text(bytes, crypto::seal(key.users, id_of(claims), claims.user));
  append_text(bytes, claims.site);
  append_text(bytes, claims.origin);
  append_text(bytes, claims.page_url);
  const auto mac = key.sign.sign(bytes);
  bytes += crypto::bytes_of(mac);
  return std::string(kPrefix) + text::base64url(bytes);
}

std::optional<http::SessionClaims> SessionTokens::verify(std::string_view token) const {
  if (!token.starts_with(kPrefix) || token.size() > kMaxTokenBytes) return std::nullopt;
  const auto bytes = text::base64url_decode(token.substr(kPrefix.size()));
  if (!bytes || bytes->size() < kMacBytes + 50) return std::nullopt;
  const std::string_view all = *bytes;
  const auto signed_part = all.substr(0, all.size() - kMacBytes);
  const auto mac = all.substr(all.size() - kMacBytes);
  const auto signer = std::find_if(keys_.begin(), keys_.end(), [&](const Key& key) {
    return key.sign.verify(signed_part, mac);
  });
  if (signer == keys_.end()) return std::nullopt;
  const char version = signed_part[0];
  if (version < kAnonymousVersion || version > kBoundVersion) return std::nullopt;

  const unsigned flags = static_cast<unsigned char>(signed_part[1]);
  if ((flags & ~kFlags[static_cast<unsigned char>(version)]) != 0) return std::nullopt;
  Reader reader(signed_part.substr(2));
  http::SessionClaims claims;
  claims.key = static_cast<std::uint8_t>(signer - keys_.begin());
  claims.bearer = (flags & kBearerFlag) != 0;
  const auto id = reader.take(claims.id.size());
  if (id.size() == claims.id.size()) std::memcpy(claims.id.data(), id.data(), id.size());
  claims.created = from_epoch_seconds(static_cast<std::int64_t>(reader.u64()));
  claims.expires = from_epoch_seconds(static_cast<std::int64_t>(reader.u64()));
  claims.issued = claims.created;
  if (version >= kOwnedVersion) read_owner(reader, flags, claims);
  if ((flags & kProvenFlag) != 0) {
    const auto thumbprint = reader.take(kThumbprintBytes);
    auto& key = claims.proof_key.emplace();
    if (thumbprint.size() == key.size()) std::memcpy(key.data(), thumbprint.data(), key.size());
  }
  if ((flags & kUserFlag) != 0) {
    auto user = crypto::open_sealed(signer->users, id_of(claims), reader.text());
    if (!user || user->empty()) return std::nullopt;
    claims.user = *std::move(user);
  }
  claims.site = reader.text();
  claims.origin = reader.text();
  claims.page_url = reader.text();
  if (!reader.ok()) return std::nullopt;
  return claims;
}

std::string SessionTokens::handle(Audience audience, const http::SessionClaims& claims) const {
  const std::string_view id(reinterpret_cast<const char*>(claims.id.data()), claims.id.size());
  const auto& key = keys_[std::min<std::size_t>(claims.key, keys_.size() - 1)];
  const auto& keys = key.handles[static_cast<std::size_t>(audience)];
  // The id has 256 random bits and both hashes are keyed, so a handle tells nothing about it.
  const auto low = siphash128(id, keys[0]);
  const auto high = siphash128(id, keys[1]);
  const std::array<std::uint64_t, 3> words{low[0], low[1], high[0]};
  return text::base64url({reinterpret_cast<const char*>(words.data()), sizeof words});
}

http::SessionClaims SessionTokens::claimed(std::string_view site, std::string_view id,
                                           std::string_view presenter, WallTime now) const {
  std::string bytes;
  append_text(bytes, site);
  append_text(bytes, id);
  append_text(bytes, presenter);
  http::SessionClaims claims;
  claims.id = claim_key_.sign(bytes);
  claims.created = now;
  claims.site = site;
  return claims;
}

}  // namespace portcullis::identity
