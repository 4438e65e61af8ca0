#pragma once
#include <memory>
#include <string_view>

#include "identity/logins.hpp"
#include "pipeline/route.hpp"
#include "routes/object_schema.hpp"
#include "routes/services.hpp"

namespace portcullis::routes {

/// Carries the refresh token of a page.
inline constexpr std::string_view kRefreshCookie = "portcullis_refresh";

/// `/api/auth/*`: logging in and out, new tokens for old ones, who one is, a new password.
///
/// A call from a page (with an allowed Origin) keeps its refresh token in a cookie that no script
/// reads and that goes to `/api/auth/refresh` alone; any other gets it in the body.
///
/// Threads: any worker; immutable.
class AuthRoutes {
 public:
  explicit AuthRoutes(Services services);
  ~AuthRoutes();
  /// Nothing where users have no keys.
  void add_to(pipeline::RouteTable& table);

 private:
  class Handler;
  class Login;
  class Refresh;
  class Logout;
  class LogoutAll;
  class Me;
  class Password;

  pipeline::Route route(std::string name, std::string path, http::Method method,
                        pipeline::RouteHandler* handler) const;

  Services services_;
  ObjectSchema login_schema_;
  ObjectSchema refresh_schema_;
  ObjectSchema password_schema_;
  std::unique_ptr<Login> login_;
  std::unique_ptr<Refresh> refresh_;
  std::unique_ptr<Logout> logout_;
  std::unique_ptr<LogoutAll> logout_all_;
  std::unique_ptr<Me> me_;
  std::unique_ptr<Password> password_;
};

}  // namespace portcullis::routes
