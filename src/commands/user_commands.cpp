#include "commands/user_commands.hpp"

#include <ostream>

#include "commands/accounts.hpp"
#include "commands/password_input.hpp"
#include "crypto/wipe.hpp"
#include "identity/from_settings.hpp"
#include "identity/grant_text.hpp"

namespace portcullis::commands {
namespace {

using identity::Passwords;

/// Where nobody can be asked, that is a matter of usage and said before anything is opened.
bool can_get_password(PasswordSource source, std::ostream& err) {
  if (source != PasswordSource::terminal || is_terminal()) return true;
  err << "error: standard input is no terminal: give --password-stdin\n";
  return false;
}

/// The hash of a new password; "" where there is to be none.
Result<std::string> new_hash(const Accounts& accounts, PasswordSource source, std::istream& in) {
  if (source == PasswordSource::none) return std::string();
  TRY(std::string password,
      source == PasswordSource::terminal ? ask_new_password() : first_line(in));
  const crypto::WipeAtEnd wipe(password);
  const auto rules = identity::password_rules_of(accounts.settings);
  TRY(const auto passwords, Passwords::make(rules));
  if (const auto fault = passwords.fault_in(password)) {
    std::string why = "the password " + std::string(text_of(*fault));
    if (*fault == identity::PasswordFault::too_short) {
      why += ": it must have at least " + std::to_string(rules.min_characters) + " characters";
    }
    return fail(ErrorCode::invalid_input, std::move(why), ErrorOrigin::client);
  }
  return passwords.hash(password);
}

/// Finds the user, does it and says so.
int with_user(const std::string& config, const std::string& name, const Streams& streams,
              const std::function<Result<void>(Accounts&, const identity::User&)>& work,
              const char* done) {
  return with_accounts(config, streams, [&](Accounts& accounts) -> Result<ExitStatus> {
    TRY(const auto user, user_named(accounts, name));
    if (auto worked = work(accounts, user); !worked) return std::unexpected(worked.error());
    streams.out << "user " << user.name << " " << done << "\n";
    return kDone;
  });
}

}  // namespace

int user_add(const UserAdd& wanted, const Streams& streams) {
  if (!can_get_password(wanted.password, streams.err)) return kBadUsage;
  return with_accounts(wanted.config, streams, [&](Accounts& accounts) -> Result<ExitStatus> {
    const auto taken = [&] {
      return fail(ErrorCode::invalid_input, "there is a user '" + wanted.name + "' already",
                  ErrorOrigin::client);
    };
    identity::NewUser user{.name = wanted.name, .password_hash = {}, .grants = {}};
    TRY(user.grants, identity::grants_in(wanted.roles, wanted.site));
    warn_of_unknown_sites(accounts, user.grants, streams.err);
    if (accounts.store->find_user(wanted.name)) return taken();
    TRY(user.password_hash, new_hash(accounts, wanted.password, streams.in));
    TRY(const auto added, accounts.store->add_user(user, accounts.now));
    if (!added) return taken();
    streams.out << "user " << added->name << " added: " << identity::text_of(added->grants) << "\n";
    return kDone;
  });
}

int user_disable(const UserNamed& wanted, const Streams& streams) {
  return with_user(
      wanted.config, wanted.name, streams,
      [](Accounts& accounts, const identity::User& user) {
        return accounts.store->disable(user.id, accounts.now);
      },
      "disabled");
}

int user_enable(const UserNamed& wanted, const Streams& streams) {
  return with_user(
      wanted.config, wanted.name, streams,
      [](Accounts& accounts, const identity::User& user) {
        return accounts.store->enable(user.id);
      },
      "enabled");
}

int user_remove(const UserNamed& wanted, const Streams& streams) {
  return with_user(
      wanted.config, wanted.name, streams,
      [](Accounts& accounts, const identity::User& user) {
        return accounts.store->remove_user(user.id, accounts.now);
      },
      "removed");
}

int user_passwd(const UserPassword& wanted, const Streams& streams) {
  if (!can_get_password(wanted.password, streams.err)) return kBadUsage;
  return with_user(
      wanted.config, wanted.name, streams,
      [&](Accounts& accounts, const identity::User& user) -> Result<void> {
        TRY(const auto hash, new_hash(accounts, wanted.password, streams.in));
        // Somebody may have thought about it for a while.
        return accounts.store->set_password(user.id, hash, Clock::system().wall());
      },
      "has a new password");
}

int user_grant(const UserGrant& wanted, const Streams& streams) {
  return with_accounts(wanted.config, streams, [&](Accounts& accounts) -> Result<ExitStatus> {
    TRY(const auto user, user_named(accounts, wanted.name));
    TRY(const auto grants, identity::grants_in(wanted.roles, wanted.site));
    warn_of_unknown_sites(accounts, grants, streams.err);
    if (auto set = accounts.store->set_grants(user.id, grants, accounts.now); !set) {
      return std::unexpected(set.error());
    }
    streams.out << "user " << user.name << " granted: " << identity::text_of(grants) << "\n";
    return kDone;
  });
}

}  // namespace portcullis::commands
