#include "commands/account_options.hpp"

#include <CLI/CLI.hpp>
#include <memory>

#include "commands/key_commands.hpp"
#include "commands/moment.hpp"
#include "commands/token_commands.hpp"
#include "commands/user_commands.hpp"
#include "identity/claim_rules.hpp"
#include "identity/grant_text.hpp"

namespace portcullis::commands {
namespace {

constexpr std::int64_t kMaxTtl = identity::kMaxAccessLife.count();

/// A check of one text by what reads it later.
template <class Read>
CLI::Validator is_read_by(Read read, const char* what) {
  return CLI::Validator(
      [read](std::string& text) {
        const auto value = read(text);
        return value ? std::string() : value.error().detail;
      },
      what);
}

CLI::Validator user_name() {
  return is_read_by([](const std::string& text) { return identity::user_key(text); }, "NAME");
}
CLI::Validator grant() {
  return is_read_by(
      [](const std::string& text) { return identity::grant_in(text, identity::kEverySite); },
      "ROLE[@SITE]");
}
CLI::Validator site() {
  return is_read_by([](const std::string& text) { return identity::grant_in("viewer", text); },
                    "SITE");
}
CLI::Validator moment() {
  return is_read_by([](const std::string& text) { return moment_in(text, Clock::system().wall()); },
                    "TIME");
}

/// A command, with the settings that it works on and what is to be done when it was asked for.
template <class Wanted>
CLI::App* add(CLI::App& group, Command& command, const char* name, const char* text,
              const std::shared_ptr<Wanted>& wanted, int (*run)(const Wanted&, const Streams&)) {
  auto* out = group.add_subcommand(name, text);
  out->add_option("--config", wanted->config, "YAML file; the environment wins over it");
  out->callback([&command, wanted, run] {
    command = [wanted, run](const Streams& streams) { return run(*wanted, streams); };
  });
  return out;
}

void add_name(CLI::App* command, std::string& name) {
  command->add_option("NAME", name, "Name of the user")->required()->check(user_name());
}

/// One value each, so that a NAME may follow.
CLI::Option* add_list(CLI::App* command, const char* option, std::vector<std::string>& values,
                      const char* text) {
  return command->add_option(option, values, text)->allow_extra_args(false);
}

void add_roles(CLI::App* command, std::vector<std::string>& roles, std::string& site_of_roles) {
  add_list(command, "--role", roles,
           "viewer, operator, admin or service, also ROLE@SITE; may be given several times")
      ->required()
      ->check(grant());
  site_of_roles = identity::kEverySite;
  command->add_option("--site", site_of_roles, "Site of roles that name none; all by default")
      ->check(site());
}

CLI::Option* add_password(CLI::App* command, PasswordSource& source) {
  return command->add_flag_callback(
      "--password-stdin", [&source] { source = PasswordSource::standard_input; },
      "The password is the first line of standard input; else it is asked for");
}

void add_changes_of_user(CLI::App& group, Command& command) {
  for (const auto& [name, text, run] :
       {std::tuple("disable", "End all sessions of a user and let nothing of theirs in",
                   &user_disable),
        std::tuple("enable", "Let a disabled user in again", &user_enable),
        std::tuple("remove", "Remove a user with keys and sessions", &user_remove)}) {
    const auto wanted = std::make_shared<UserNamed>();
    add_name(add(group, command, name, text, wanted, run), wanted->name);
  }
  const auto password = std::make_shared<UserPassword>();
  auto* passwd = add(group, command, "passwd", "Set another password and end all sessions",
                     password, &user_passwd);
  add_name(passwd, password->name);
  add_password(passwd, password->password);

  const auto grants = std::make_shared<UserGrant>();
  auto* grant =
      add(group, command, "grant", "Give these roles instead of those before", grants, &user_grant);
  add_name(grant, grants->name);
  add_roles(grant, grants->roles, grants->site);

  const auto factor = std::make_shared<UserTotp>();
  auto* totp =
      add(group, command, "totp", "Begin, confirm or remove a second factor", factor, &user_totp);
  add_name(totp, factor->name);
  auto* remove = totp->add_flag("--remove", factor->remove, "Take the second factor away");
  totp->add_option("--code", factor->code, "Confirm what an earlier call has begun")
      ->check(CLI::Validator(
          [](std::string& code) {
            return code.empty() ? std::string("a code is not empty") : std::string();
          },
          "CODE"))
      ->excludes(remove);
}

void add_user_commands(CLI::App& app, Command& command) {
  auto* group = app.add_subcommand("user", "Who may log in, and what they may do");
  group->require_subcommand(1);
  const auto wanted = std::make_shared<UserAdd>();
  auto* add_one = add(*group, command, "add", "Add a user", wanted, &user_add);
  add_name(add_one, wanted->name);
  add_roles(add_one, wanted->roles, wanted->site);
  auto* given = add_password(add_one, wanted->password);
  add_one
      ->add_flag_callback(
          "--no-password", [wanted] { wanted->password = PasswordSource::none; },
          "No password opens the account, such as that of a service with keys")
      ->excludes(given);

  const auto list = std::make_shared<UserList>();
  add(*group, command, "list", "All users by name", list, &user_list)
      ->add_flag("--json", list->json, "One JSON object a line");
  add_changes_of_user(*group, command);
}

void add_token_commands(CLI::App& app, Command& command) {
  auto* group = app.add_subcommand("token", "Access tokens without a login");
  group->require_subcommand(1);
  const auto wanted = std::make_shared<TokenIssue>();
  auto* issue = add(*group, command, "issue", "Print one access token", wanted, &token_issue);
  issue->add_option("--sub", wanted->subject, "A user, or a name that no user has")
      ->required()
      ->check(user_name());
  issue->add_option("--role", wanted->role, "ROLE or ROLE@SITE; of a user all roles by default")
      ->check(grant());
  issue->add_option("--site", wanted->site, "Site of a role that names none")->check(site());
  issue->add_option("--ttl", wanted->ttl, "Seconds; by default as long as after a login")
      ->check(CLI::Range(std::int64_t{1}, kMaxTtl));

  const auto ended = std::make_shared<TokenRevoke>();
  auto* revoke = add(*group, command, "revoke", "Void a token", ended, &token_revoke);
  auto* which = revoke->add_option_group("which");
  which->add_option("TOKEN", ended->token, "The token, or - for standard input");
  auto* id = which->add_option("--id", ended->id, "Its jti, where the token is not at hand");
  id->check(is_read_by(
      [](const std::string& text) -> Result<std::string> {
        if (identity::is_token_id(text)) return text;
        return fail(ErrorCode::invalid_input, "the id of a token has another form");
      },
      "JTI"));
  auto* user = which->add_option("--user", ended->user,
                                 "All that a user has; one of an OpenID provider is oidc:SUB");
  user->check(is_read_by(
      [](const std::string& text) -> Result<std::string> {
        if (identity::is_claim_text(text)) return text;
        return fail(ErrorCode::invalid_input, "the name of a user has another form");
      },
      "NAME"));
  which->require_option(1);

  const auto seen = std::make_shared<TokenInspect>();
  auto* inspect = add(*group, command, "inspect", "What a token says and whether it is good", seen,
                      &token_inspect);
  inspect->add_option("TOKEN", seen->token, "The token, or - for standard input")->required();
  inspect->add_flag("--json", seen->json, "As a JSON object");
}

void add_key_commands(CLI::App& app, Command& command) {
  auto* group = app.add_subcommand("key", "API keys of programs");
  group->require_subcommand(1);
  const auto wanted = std::make_shared<KeyAdd>();
  wanted->site = identity::kEverySite;
  auto* add_one = add(*group, command, "add", "Print a new key, once", wanted, &key_add);
  add_one->add_option("--owner", wanted->owner, "Name of a user; disabled with them")
      ->required()
      ->check(user_name());
  add_one->add_option("--name", wanted->name, "What it is for")->required();
  add_list(add_one, "--scope", wanted->scopes, "What routes ask for; may be given several times");
  add_one->add_option("--site", wanted->site, "Which alone it opens; all by default")
      ->check(site());
  add_one->add_option("--expires", wanted->expires, "90d, 12h, 2027-01-31 or an RFC 3339 time")
      ->check(moment());
  add_one
      ->add_option("--requests-per-minute", wanted->requests_per_minute,
                   "Instead of the general limit")
      ->check(CLI::Range(1U, 1'000'000'000U));

  const auto list = std::make_shared<KeyList>();
  auto* all =
      add(*group, command, "list", "All keys by age, without their secrets", list, &key_list);
  all->add_option("--owner", list->owner, "Of this user only")->check(user_name());
  all->add_flag("--json", list->json, "One JSON object a line");

  const auto ended = std::make_shared<KeyRevoke>();
  add(*group, command, "revoke", "Void a key for good", ended, &key_revoke)
      ->add_option("KEY", ended->key, "Its id or prefix")
      ->required();
}

}  // namespace

void add_account_commands(CLI::App& app, Command& command) {
  add_user_commands(app, command);
  add_token_commands(app, command);
  add_key_commands(app, command);
}

}  // namespace portcullis::commands
