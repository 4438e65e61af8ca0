#include "identity/from_settings.hpp"

#include <fstream>

#include "crypto/wipe.hpp"
#include "identity/postgres_accounts.hpp"
#include "identity/sqlite_accounts.hpp"

namespace portcullis::identity {
namespace {

constexpr std::streamsize kMaxKeyFile = 64 * 1024;

Result<JwtKey> key_in(const std::string& path) {
  auto read = read_key_file(path);
  if (!read) return fail(ErrorCode::invalid_input, "AUTH_KEY_FILES: " + read.error().detail);
  std::string pem = *std::move(read);
  auto key = JwtKey::from_pem(pem);
  crypto::wipe(pem);
  if (!key) {
    return fail(ErrorCode::invalid_input, "AUTH_KEY_FILES: " + path + ": " + key.error().detail);
  }
  return key;
}

}  // namespace

Result<std::string> read_key_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::invalid_input, path + " cannot be read");
  std::string text(kMaxKeyFile, '\0');
  in.read(text.data(), kMaxKeyFile);
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::filesystem::path accounts_file(const config::Settings& settings) {
  return std::filesystem::path(settings.data_dir) / "accounts.db";
}

Result<std::unique_ptr<AccountStore>> open_account_store(const config::Settings& settings) {
  if (!settings.database_url.empty()) {
    const auto url = config::DatabaseUrl::parse(settings.database_url);
    if (!url) return fail(ErrorCode::invalid_input, "DATABASE_URL " + url.error());
    return make_postgres_accounts(postgres::Options::of(*url));
  }
  const auto file = accounts_file(settings);
  // Where this fails, to open the file does, and says why.
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  auto store = open_sqlite_accounts({.file = file});
  if (!store) {
    return fail(store.error().code, "accounts in " + file.string() + ": " + store.error().detail);
  }
  return *std::move(store);
}

Result<UserTokens> user_tokens_of(const config::Settings& settings) {
  std::vector<JwtKey> keys;
  for (const auto& path : settings.auth_key_files) {
    TRY(auto key, key_in(path));
    keys.push_back(std::move(key));
  }
  for (const auto& secret : settings.auth_secrets) {
    TRY(auto key, JwtKey::from_secret(secret));
    keys.push_back(std::move(key));
  }
  TRY(auto access, JwtKeys::make(std::move(keys)));
  if (!access.can_sign()) {
    return fail(ErrorCode::invalid_input,
                "AUTH_KEY_FILES: the first file must hold a private key, which signs");
  }
  std::vector<std::string> secrets;
  secrets.reserve(settings.session_secrets.size());
  for (const auto& secret : settings.session_secrets) {
    secrets.push_back(crypto::hkdf(secret, "portcullis refresh tokens v1"));
  }
  TRY(auto refresh, JwtKeys::from_secrets(secrets));
  UserTokens::Settings out;
  out.issuer = settings.auth_issuer;
  out.audience = settings.auth_audience;
  out.access_life = std::chrono::minutes{settings.access_token_minutes};
  out.refresh_life = std::chrono::hours{24 * settings.refresh_token_days};
  return UserTokens::make(out, std::move(access), std::move(refresh));
}

Result<RoleMap> role_map_of(const config::Settings& settings) {
  auto out = RoleMap::make(settings.oidc_roles_claim, settings.oidc_roles);
  if (!out) return fail(ErrorCode::invalid_input, "AUTH_OIDC_ROLES: " + out.error().detail);
  return out;
}

ForeignTokens::Rules provider_rules_of(const config::Settings& settings, const RoleMap& roles) {
  ForeignTokens::Rules out;
  out.claims.issuer = settings.oidc_issuer;
  out.claims.audience = settings.oidc_audience;
  // Providers call access tokens by each of these.
  out.claims.types = {"at+jwt", "jwt", ""};
  // A longer one could outlive its revocation.
  out.claims.max_life = kMaxAccessLife;
  out.claims.thumbprints = Thumbprints::ignored;
  out.wanted = {roles.claim()};
  return out;
}

Passwords::Rules password_rules_of(const config::Settings& settings) {
  return {.cost = static_cast<unsigned>(settings.bcrypt_cost),
          .min_characters = static_cast<std::size_t>(settings.password_min)};
}

Logins::Rules login_rules_of(const config::Settings& settings) {
  Logins::Rules out;
  out.passwords = password_rules_of(settings);
  out.life = std::chrono::hours{24 * settings.refresh_token_days};
  for (const auto& name : settings.totp_required_roles) {
    if (const auto role = http::role_of(name)) out.second_factor_roles.push_back(*role);
  }
  return out;
}

}  // namespace portcullis::identity
