#include "identity/jwt_fault.hpp"

#include <array>

namespace portcullis::identity {
namespace {

constexpr std::array<std::string_view, kJwtFaults> kCodes = {
    "JWT_001", "JWT_002", "JWT_003", "JWT_004", "JWT_005", "JWT_006", "JWT_007",
    "JWT_008", "JWT_009", "JWT_010", "JWT_011", "JWT_012", "JWT_013", "JWT_014",
    "JWT_015", "JWT_016", "JWT_017", "JWT_018", "JWT_019", "JWT_020"};

}  // namespace

std::string_view code_of(JwtFault fault) noexcept {
  return kCodes[static_cast<std::size_t>(fault)];
}

std::string JwtRefusal::text() const {
  std::string out(code_of(fault));
  if (!member.empty()) (out += ' ') += member;
  return out;
}

}  // namespace portcullis::identity
