// `portcullis user list`.
#include <algorithm>
#include <ostream>

#include "base/json_text.hpp"
#include "commands/accounts.hpp"
#include "commands/shown_time.hpp"
#include "commands/table.hpp"
#include "commands/user_commands.hpp"
#include "identity/grant_text.hpp"

namespace portcullis::commands {
namespace {

using identity::AccountStore;
using identity::User;

/// Of a user, those that open something at this time.
Result<std::size_t> valid_keys(Accounts& accounts, const User& user) {
  TRY(const auto keys, accounts.store->api_keys(user.id, "", AccountStore::kMaxPage));
  return static_cast<std::size_t>(std::ranges::count_if(
      keys, [&](const identity::ApiKey& key) { return key.is_valid(accounts.now); }));
}

std::string json_of(const User& user, std::size_t keys) {
  std::string out;
  text::append_json_member(out, "id", user.id);
  text::append_json_member(out, "name", user.name);
  text::append_json_name(out, "roles");
  out += '[';
  for (const auto& grant : user.grants) {
    if (out.back() != '[') out += ',';
    std::string one;
    text::append_json_member(one, "role", name_of(grant.role));
    text::append_json_member(one, "site", grant.site);
    (out += one) += '}';
  }
  out += ']';
  append_json_time(out, "created", user.created);
  append_json_time(out, "last_login", user.last_login);
  append_json_time(out, "disabled", user.disabled);
  text::append_json_name(out, "second_factor");
  out += user.has_totp ? "true" : "false";
  text::append_json_member(out, "keys", keys);
  return out + "}\n";
}

}  // namespace

int user_list(const UserList& wanted, const Streams& streams) {
  return with_accounts(wanted.config, streams, [&](Accounts& accounts) -> Result<ExitStatus> {
    Table table({"NAME", "ROLES", "CREATED", "LAST LOGIN", "DISABLED", "SECOND FACTOR", "KEYS"});
    std::string after;
    do {
      TRY(const auto page, accounts.store->users(after, AccountStore::kMaxPage));
      for (const auto& user : page.users) {
        TRY(const auto keys, valid_keys(accounts, user));
        if (wanted.json) {
          streams.out << json_of(user, keys);
          continue;
        }
        table.add({user.name, identity::text_of(user.grants), shown(user.created),
                   shown(user.last_login), shown(user.disabled), user.has_totp ? "yes" : "-",
                   std::to_string(keys)});
      }
      after = page.next;
    } while (!after.empty());
    if (!wanted.json) table.print(streams.out);
    return kDone;
  });
}

}  // namespace portcullis::commands
