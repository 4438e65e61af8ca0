// `portcullis user totp`.
#include <ostream>

#include "base/base32.hpp"
#include "base/text.hpp"
#include "commands/accounts.hpp"
#include "commands/password_input.hpp"
#include "commands/user_commands.hpp"
#include "identity/recovery_codes.hpp"
#include "identity/totp.hpp"

namespace portcullis::commands {
namespace {

using identity::User;

/// Of one that is mistyped, or came too late.
constexpr int kTries = 3;

std::unexpected<Error> refused(std::string why) {
  return fail(ErrorCode::invalid_input, std::move(why), ErrorOrigin::client);
}

/// Stores a new secret that does not count yet and shows it.
Result<std::string> begin(Accounts& accounts, const User& user, std::ostream& out) {
  std::string secret = identity::new_totp_secret();
  const identity::TotpVault vault(accounts.settings.session_secrets);
  TRY(const bool begun, accounts.store->enrol_totp(user.id, vault.seal(user.id, secret)));
  if (!begun) {
    return refused("user " + user.name + " has a second factor; --remove takes it away first");
  }
  out << "secret: " << text::base32(secret) << "\n"
      << "uri: " << identity::totp_uri(accounts.settings.app_name, user.name, secret) << "\n"
      << std::flush;
  return secret;
}

/// The secret that an earlier call has begun with.
Result<std::string> begun_before(Accounts& accounts, const User& user) {
  TRY(const auto credentials, accounts.store->credentials(user.id));
  if (!credentials.totp || credentials.totp->confirmed) {
    return refused("there is nothing to confirm: `portcullis user totp " + user.name + "` begins");
  }
  const identity::TotpVault vault(accounts.settings.session_secrets);
  auto secret = vault.open(user.id, credentials.totp->sealed);
  if (!secret) {
    return refused("the secret does not open: SESSION_SECRET_KEY is not the one it was made with");
  }
  return *std::move(secret);
}

std::optional<std::int64_t> step_of(const std::string& secret, const std::string& code) {
  return identity::accepted_totp_step(secret, text::trim(code), 0, Clock::system().wall());
}

/// The step of the first code that is right.
Result<std::int64_t> ask(const std::string& secret, const User& user, const Streams& streams) {
  if (is_terminal()) streams.err << "The code that the authenticator shows: " << std::flush;
  for (int tries = 0; tries < kTries; ++tries) {
    const auto code = first_line(streams.in);
    if (!code) break;
    if (const auto step = step_of(secret, *code)) return *step;
    if (is_terminal() && tries + 1 < kTries) streams.err << "Wrong. Once more: " << std::flush;
  }
  return refused("no right code: the second factor does not count yet; confirm it with " +
                 ("`portcullis user totp " + user.name + " --code CODE`"));
}

/// From here on logins need it.
Result<void> confirm(Accounts& accounts, const User& user, std::int64_t step, std::ostream& out) {
  const auto codes = identity::RecoveryCodes(accounts.settings.session_secrets).make(user.id);
  // Before it counts, so that nobody has a second factor and no way around its loss.
  if (auto kept = accounts.store->store_recovery_codes(user.id, codes.hashes); !kept) return kept;
  TRY(const bool confirmed, accounts.store->confirm_totp(user.id, step, Clock::system().wall()));
  if (!confirmed) return refused("the second factor was changed meanwhile");
  out << "recovery codes, each good once, shown only now:\n";
  for (const auto& text : codes.texts) out << text << "\n";
  return {};
}

Result<void> remove(Accounts& accounts, const User& user, std::ostream& out) {
  if (auto removed = accounts.store->remove_totp(user.id); !removed) return removed;
  out << "user " << user.name << " has no second factor\n";
  return {};
}

Result<void> enrol(Accounts& accounts, const User& user, const UserTotp& wanted,
                   const Streams& streams) {
  if (!wanted.code.empty()) {
    TRY(const auto secret, begun_before(accounts, user));
    const auto step = step_of(secret, wanted.code);
    if (!step) return refused("the code is wrong");
    return confirm(accounts, user, *step, streams.out);
  }
  TRY(const auto secret, begin(accounts, user, streams.out));
  TRY(const auto step, ask(secret, user, streams));
  return confirm(accounts, user, step, streams.out);
}

}  // namespace

int user_totp(const UserTotp& wanted, const Streams& streams) {
  return with_accounts(wanted.config, streams, [&](Accounts& accounts) -> Result<ExitStatus> {
    TRY(const auto user, user_named(accounts, wanted.name));
    const auto done = wanted.remove ? remove(accounts, user, streams.out)
                                    : enrol(accounts, user, wanted, streams);
    if (!done) return std::unexpected(done.error());
    return kDone;
  });
}

}  // namespace portcullis::commands
