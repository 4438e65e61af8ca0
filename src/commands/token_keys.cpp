#include "commands/token_keys.hpp"

#include <ostream>

#include "base/text.hpp"
#include "commands/password_input.hpp"
#include "identity/from_settings.hpp"
#include "identity/jose_header.hpp"

namespace portcullis::commands {
namespace {

using identity::AccountStore;
using identity::RevocableKind;
using identity::RevokedCredentials;
using identity::UserTokens;

/// All that are noted, until `look` returns false.
Result<void> each_revocation(AccountStore& store,
                             const std::function<bool(const RevokedCredentials&)>& look) {
  std::int64_t after = 0;
  while (true) {
    TRY(const auto page, store.revocations(after, AccountStore::kMaxPage));
    for (const auto& one : page) {
      if (!look(one)) return {};
      after = one.number;
    }
    if (page.size() < AccountStore::kMaxPage) return {};
  }
}

std::string_view name_of(RevocableKind kind) {
  switch (kind) {
    case RevocableKind::token:
      return "token";
    case RevocableKind::login:
      return "login";
    case RevocableKind::user:
      break;
  }
  return "user";
}

}  // namespace

int with_tokens(const std::string& file, const Streams& streams,
                const std::function<Result<ExitStatus>(Accounts&, const UserTokens&)>& work) {
  return with_accounts(file, streams, [&](Accounts& accounts) -> Result<ExitStatus> {
    const auto complain = [&](std::string_view what) {
      streams.err << "error: " << what << "\n";
      return kBadUsage;
    };
    if (!accounts.settings.has_users()) {
      return complain("neither SECURITY_JWT_SECRET_KEY nor AUTH_KEY_FILES is set: no tokens");
    }
    const auto tokens = identity::user_tokens_of(accounts.settings);
    if (!tokens) return complain(tokens.error().detail);
    return work(accounts, *tokens);
  });
}

Result<std::string> token_given(const std::string& text, std::istream& in) {
  if (text != "-") return text;
  // A little more than the longest that is looked at, which then tells why it is refused.
  TRY(const std::string line, first_line(in, identity::kMaxJwtBytes + 1024));
  return std::string(text::trim(line));
}

identity::JwtResult<KnownToken> verify(const UserTokens& tokens, std::string_view token,
                                       WallTime now) {
  const auto form = identity::read_compact_jws(token);
  if (!form) return std::unexpected(form.error());
  KnownToken out;
  out.use = form->header.type == "rt+jwt" ? UserTokens::Use::refresh : UserTokens::Use::access;
  TRY(out.claims, tokens.verify(out.use, token, now));
  return out;
}

Result<WallTime> void_before(AccountStore& store, std::string_view subject, WallTime now) {
  WallTime out{};
  const auto read = each_revocation(store, [&](const RevokedCredentials& one) {
    const bool counts = one.kind == RevocableKind::user && one.id == subject && now < one.until;
    if (counts) out = std::max(out, one.since);
    return true;
  });
  if (!read) return std::unexpected(read.error());
  return out;
}

Result<std::string_view> revoked_by(AccountStore& store, const identity::UserClaims& claims,
                                    WallTime now) {
  const auto voids = [&](const RevokedCredentials& one) {
    const std::string& id = one.kind == RevocableKind::token   ? claims.id
                            : one.kind == RevocableKind::login ? claims.family
                                                               : claims.subject;
    return one.id == id && claims.issued < one.since && now < one.until;
  };
  std::string_view out;
  const auto read = each_revocation(store, [&](const RevokedCredentials& one) {
    if (voids(one)) out = name_of(one.kind);
    return out.empty();
  });
  if (!read) return std::unexpected(read.error());
  return out;
}

}  // namespace portcullis::commands
