#include "identity/challenges.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::identity {
namespace {

/// 144 bits of a signature are as much as nobody guesses.
constexpr std::size_t kSignatureBytes = 18;
constexpr std::size_t kSignatureChars = kSignatureBytes * 4 / 3;
constexpr std::size_t kMaxNumberDigits = 9;
/// Stands in a signature where a task has its target, which is longer.
constexpr std::string_view kTicket = "ticket";

/// When it expires, and 96 random bits.
std::string make_salt(Seconds life, WallTime now) {
  std::string out;
  text::append_number(out, epoch_seconds(now) + life.count());
  out += '-';
  text::append_base64url(out, crypto::random_bytes(12));
  return out;
}

std::string target_of(std::string_view salt, std::string_view number) {
  std::string input(salt);
  input += number;
  return text::hex(crypto::bytes_of(crypto::sha256(input)));
}

/// Even over 0 ... max: 64 bits to choose from make the rest of a division nothing.
std::uint64_t random_number(std::uint64_t max) {
  const std::string bytes = crypto::random_bytes(8);
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value % (max + 1);
}

}  // namespace

std::string Challenge::json() const {
  std::string out = R"({"algorithm":"SHA-256","salt":)";
  text::append_json_string(out, salt);
  out += R"(,"target":)";
  text::append_json_string(out, target);
  out += R"(,"max_number":)";
  text::append_number(out, max_number);
  out += R"(,"signature":)";
  text::append_json_string(out, signature);
  return out += '}';
}

Challenges::Challenges(std::string_view secret)
    : key_(crypto::hkdf(secret, "portcullis challenge v1")) {}

std::string Challenges::signature_of(std::string_view salt, std::string_view target,
                                     std::string_view holder) const {
  std::string signed_text(salt);
  // Neither holds a space, so no two triples read the same.
  ((signed_text += ' ') += target) += ' ';
  signed_text += holder;
  const auto mac = key_.sign(signed_text);
  return text::base64url(crypto::bytes_of(mac).substr(0, kSignatureBytes));
}

Challenge Challenges::make(std::string_view holder, std::uint32_t max_number, Seconds life,
                           WallTime now) const {
  Challenge out;
  out.salt = make_salt(life, now);
  out.target = target_of(out.salt, std::to_string(random_number(max_number)));
  out.max_number = max_number;
  out.signature = signature_of(out.salt, out.target, holder);
  return out;
}

Challenges::Checked Challenges::check(std::string_view solution, std::string_view holder,
                                      WallTime now) const {
  if (solution.size() > kMaxSolutionBytes) return {};
  const std::size_t first = solution.find('.');
  const std::size_t second =
      first == std::string_view::npos ? first : solution.find('.', first + 1);
  if (second == std::string_view::npos) return {};
  const auto salt = solution.substr(0, first);
  const auto number = solution.substr(first + 1, second - first - 1);
  const auto signature = solution.substr(second + 1);
  // One number has one spelling, or one solution would pass for several.
  if (number.empty() || number.size() > kMaxNumberDigits ||
      !std::ranges::all_of(number, text::is_digit) || (number.size() > 1 && number[0] == '0')) {
    return {};
  }
  return judge(salt, target_of(salt, number), signature, holder, now);
}

std::string Challenges::ticket(std::string_view holder, Seconds life, WallTime now) const {
  std::string out = make_salt(life, now);
  const std::string signature = signature_of(out, kTicket, holder);
  return (out += '-') += signature;
}

Challenges::Checked Challenges::check_ticket(std::string_view ticket, std::string_view holder,
                                             WallTime now) const {
  if (ticket.size() > kMaxSolutionBytes || ticket.size() <= kSignatureChars) return {};
  // A signature may hold the separator itself, but has always the same length.
  const std::size_t end = ticket.size() - kSignatureChars - 1;
  if (ticket[end] != '-') return {};
  return judge(ticket.substr(0, end), kTicket, ticket.substr(end + 1), holder, now);
}

Challenges::Checked Challenges::judge(std::string_view salt, std::string_view target,
                                      std::string_view signature, std::string_view holder,
                                      WallTime now) const {
  const auto expires = text::parse_number<std::int64_t>(salt.substr(0, salt.find('-')));
  if (!expires) return {};
  const std::string expected = signature_of(salt, target, holder);
  if (!crypto::equal_constant_time(expected, signature)) return {};
  const std::int64_t left = *expires - epoch_seconds(now);
  if (left <= 0) return {Outcome::expired, {}, {}};
  return {Outcome::solved, salt, Seconds{left}};
}

}  // namespace portcullis::identity
