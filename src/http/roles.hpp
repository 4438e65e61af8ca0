#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace portcullis::http {

/// What somebody may do; what each role opens is for the routes to say.
enum class Role : std::uint8_t { viewer, operator_, admin, service };

/// "viewer", "operator", "admin", "service".
std::string_view name_of(Role role) noexcept;
std::optional<Role> role_of(std::string_view name) noexcept;

inline constexpr std::string_view kEverySite = "*";

/// A role for one site, or for every one ("*").
struct Grant {
  Role role = Role::viewer;
  std::string site;

  auto operator<=>(const Grant&) const = default;
};

/// A set of roles, of which one is enough.
class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> roles) {
    for (const Role role : roles) bits_ |= bit(role);
  }
  /// Whoever may do at least this much: viewer < operator < admin. A service is none of them.
  static constexpr Roles from(Role least) {
    Roles out;
    for (auto role = least; role <= Role::admin; role = static_cast<Role>(int(role) + 1)) {
      out.bits_ |= bit(role);
    }
    return out;
  }
  constexpr bool contains(Role role) const noexcept { return (bits_ & bit(role)) != 0; }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  constexpr Roles with(Role role) const {
    Roles out = *this;
    out.bits_ |= bit(role);
    return out;
  }
  /// "operator, admin".
  std::string text() const;

 private:
  static constexpr std::uint8_t bit(Role role) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role));
  }
  std::uint8_t bits_ = 0;
};

/// Whether one of the grants is a role of the set, for this site.
bool grants_any(std::span<const Grant> grants, const Roles& roles, std::string_view site) noexcept;

/// `[{"role":"admin","site":"*"}]`
void append_json_grants(std::string& out, std::span<const Grant> grants);

}  // namespace portcullis::http
