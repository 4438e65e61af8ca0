#pragma once
#include <string.h>

#include <span>
#include <string>

namespace portcullis::crypto {

/// Overwrites what held a secret, in a way that no compiler leaves out. Copies made elsewhere stay:
/// whoever holds a secret makes few.
inline void wipe(std::span<char> bytes) noexcept { ::explicit_bzero(bytes.data(), bytes.size()); }

/// And makes it empty.
inline void wipe(std::string& text) noexcept {
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

/// Wipes a buffer when it goes out of scope, on each way out.
class WipeAtEnd {
 public:
  explicit WipeAtEnd(std::span<char> bytes) noexcept : bytes_(bytes) {}
  ~WipeAtEnd() { wipe(bytes_); }
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;

 private:
  std::span<char> bytes_;
};

}  // namespace portcullis::crypto
