#pragma once
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>
#include <string_view>

namespace portcullis::upstream {

/// A JSON value that an upstream sent, parsed into one block of memory; small ones need no
/// allocation.
///
/// Ownership: the value and all in it end with this object, which stays where it is.
/// Bounds:    nested 64 deep at most.
class AnswerJson {
 public:
  explicit AnswerJson(std::string_view text);
  AnswerJson(const AnswerJson&) = delete;
  AnswerJson& operator=(const AnswerJson&) = delete;

  /// Null where the text is no JSON.
  const boost::json::value* value() const noexcept { return valid_ ? &value_ : nullptr; }

 private:
  std::array<unsigned char, 2048> room_;
  boost::json::monotonic_resource memory_;
  bool valid_ = false;
  boost::json::value value_;
};

}  // namespace portcullis::upstream
