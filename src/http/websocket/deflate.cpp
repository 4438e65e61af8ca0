#include "http/websocket/deflate.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace portcullis::http::websocket {
namespace {

constexpr std::string_view kName = "permessage-deflate";
/// What ends the blocks of a message and is not sent (RFC 7692 section 7.2.1).
constexpr std::string_view kTail("\0\0\xff\xff", 4);
constexpr int kLargestOwnWindow = 12;
constexpr int kMemoryLevel = 5;
constexpr std::size_t kPiece = 4096;

/// zlib makes 9 out of a raw window of 8 bits, which the peer then could not read.
std::optional<int> window_bits(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  const auto bits = text::parse_number<int>(value);
  if (!bits || value.front() == '0' || *bits < 8 || *bits > 15) return std::nullopt;
  return bits;
}

/// One offer; nullopt where it cannot be accepted.
std::optional<Deflate> read_offer(std::string_view offer) {
  const auto parts = text::split_list(offer, ';');
  if (parts.empty() || !text::iequals(parts.front(), kName)) return std::nullopt;
  Deflate out;
  std::array<bool, 4> seen{};
  for (const auto part : std::span(parts).subspan(1)) {
    const auto equals = part.find('=');
    const auto name = text::trim(part.substr(0, equals));
    const bool has_value = equals != std::string_view::npos;
    const auto value = has_value ? text::trim(part.substr(equals + 1)) : std::string_view{};
    constexpr std::array<std::string_view, 4> kNames = {
        "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits",
        "client_max_window_bits"};
    const auto at = static_cast<std::size_t>(
        std::ranges::find_if(kNames, [&](auto known) { return text::iequals(known, name); }) -
        kNames.begin());
    if (at == kNames.size() || std::exchange(seen[at], true)) return std::nullopt;
    if (at < 2) {
      if (has_value) return std::nullopt;
    } else if (has_value) {
      const auto bits = window_bits(value);
      if (!bits) return std::nullopt;
      (at == 2 ? out.server_window_bits : out.client_window_bits) = *bits;
    } else if (at == 2) {
      return std::nullopt;
    }
  }
  if (out.server_window_bits < 9) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Deflate> choose_deflate(std::string_view extensions) {
  for (const auto offer : text::split_list(extensions, ',')) {
    if (auto chosen = read_offer(offer)) return chosen;
  }
  return std::nullopt;
}

std::string deflate_answer(const Deflate& chosen) {
  std::string out(kName);
  out += "; server_no_context_takeover; client_no_context_takeover";
  if (chosen.server_window_bits < 15) {
    out += "; server_max_window_bits=" + std::to_string(chosen.server_window_bits);
  }
  return out;
}

std::string compress(std::string_view message, int window_bits) {
  coding::DeflateStream stream(Z_BEST_SPEED, -std::min(window_bits, kLargestOwnWindow),
                               kMemoryLevel);
  std::string out;
  stream.append(message, Z_SYNC_FLUSH, out);
  if (out.ends_with(kTail)) out.resize(out.size() - kTail.size());
  return out;
}

Inflater::Outcome Inflater::put(std::string_view bytes, std::string& out, std::size_t most) {
  std::array<char, kPiece> piece;
  while (true) {
    const auto [status, made] = stream_.run(bytes, piece);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return Outcome::corrupt;
    if (out.size() + made > most) return Outcome::too_large;
    out.append(piece.data(), made);
    // A block may say that it is the last one, and others follow (RFC 7692 section 7.2.3.5).
    if (status == Z_STREAM_END) stream_.restart();
    if (bytes.empty() && made < kPiece) return Outcome::ok;
    if (status == Z_BUF_ERROR && made == 0) return Outcome::ok;
  }
}

Inflater::Outcome Inflater::finish(std::string& out, std::size_t most) {
  return put(kTail, out, most);
}

}  // namespace portcullis::http::websocket
