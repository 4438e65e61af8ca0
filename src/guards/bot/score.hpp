#pragma once
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

namespace portcullis::guards {

/// Grounds for a suspicion and their points, summed up to at most 100.
///
/// Bounds: kMost grounds; further ones count without being named.
class Score {
 public:
  static constexpr std::size_t kMost = 16;

  /// `ground`: static text, fit for events and metrics.
  void add(std::string_view ground, int points) noexcept {
    sum_ += points;
    if (count_ < kMost) grounds_[count_++] = ground;
  }
  void add(const Score& other) noexcept {
    sum_ += other.sum_;
    for (const auto ground : other.grounds()) {
      if (count_ < kMost) grounds_[count_++] = ground;
    }
  }

  int points() const noexcept { return std::min(sum_, 100); }
  std::span<const std::string_view> grounds() const noexcept {
    return std::span(grounds_).first(count_);
  }
  bool has(std::string_view ground) const noexcept {
    return std::ranges::find(grounds(), ground) != grounds().end();
  }
  /// "tool,no_language"
  std::string text() const {
    std::string out;
    for (const auto ground : grounds()) (out += out.empty() ? "" : ",") += ground;
    return out;
  }

 private:
  std::array<std::string_view, kMost> grounds_{};
  std::size_t count_ = 0;
  int sum_ = 0;
};

}  // namespace portcullis::guards
