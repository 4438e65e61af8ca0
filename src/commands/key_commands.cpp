#include "commands/key_commands.hpp"

#include <algorithm>
#include <map>
#include <ostream>

#include "base/json_text.hpp"
#include "base/text.hpp"
#include "commands/accounts.hpp"
#include "commands/moment.hpp"
#include "commands/shown_time.hpp"
#include "commands/table.hpp"
#include "crypto/wipe.hpp"
#include "identity/api_keys.hpp"

namespace portcullis::commands {
namespace {

using identity::AccountStore;
using identity::ApiKey;
using identity::ApiKeys;

/// Two of so many have the same prefix once in the life of a universe.
constexpr int kTries = 3;

std::string text_of(const std::vector<std::string>& scopes) {
  std::string out;
  for (const auto& scope : scopes) {
    if (!out.empty()) out += ',';
    out += scope;
  }
  return out.empty() ? "-" : out;
}

std::string_view state_of(const ApiKey& key, WallTime now) {
  if (key.revoked) return "revoked";
  if (key.owner_disabled) return "owner disabled";
  return key.is_valid(now) ? "valid" : "expired";
}

Result<ApiKeys::Minted> mint(Accounts& accounts, const ApiKey& wanted) {
  const ApiKeys keys(accounts.settings.session_secrets);
  for (int tries = 0; tries < kTries; ++tries) {
    auto minted = keys.mint(wanted, accounts.now);
    TRY(const bool added, accounts.store->add_api_key(minted.record));
    if (added) return minted;
  }
  return fail(ErrorCode::internal, "no free prefix was found");
}

/// Names of owners, each asked for once.
class Owners {
 public:
  explicit Owners(AccountStore& store) : store_(store) {}
  Result<std::string> name_of(const std::string& id) {
    if (const auto known = names_.find(id); known != names_.end()) return known->second;
    const auto user = store_.user(id);
    // Removed since the list was read.
    if (!user && user.error().code == ErrorCode::not_found) return std::string("-");
    if (!user) return std::unexpected(user.error());
    return names_.emplace(id, user->name).first->second;
  }

 private:
  AccountStore& store_;
  std::map<std::string, std::string> names_;
};

std::string json_of(const ApiKey& key, std::string_view owner, WallTime now) {
  std::string out;
  text::append_json_member(out, "id", key.id);
  text::append_json_member(out, "prefix", key.prefix);
  text::append_json_member(out, "owner", owner);
  text::append_json_member(out, "name", key.name);
  text::append_json_name(out, "scopes");
  out += '[';
  for (const auto& scope : key.scopes) {
    if (out.back() != '[') out += ',';
    text::append_json_string(out, scope);
  }
  out += ']';
  text::append_json_member(out, "site", key.site);
  text::append_json_member(out, "state", state_of(key, now));
  append_json_time(out, "created", key.created);
  append_json_time(out, "expires", key.expires);
  append_json_time(out, "last_used", key.last_used);
  append_json_time(out, "revoked", key.revoked);
  text::append_json_name(out, "requests_per_minute");
  out += key.requests_per_minute ? std::to_string(*key.requests_per_minute) : "null";
  return out + "}\n";
}

/// The id of a key that somebody names by id or prefix.
Result<std::string> id_of(Accounts& accounts, std::string_view named) {
  auto prefix = named;
  if (prefix.starts_with(identity::kApiKeyMark)) prefix.remove_prefix(identity::kApiKeyMark.size());
  if (!identity::is_api_key_prefix(prefix)) return std::string(named);
  TRY(const auto key, accounts.store->find_api_key(prefix));
  return key.id;
}

}  // namespace

int key_add(const KeyAdd& wanted, const Streams& streams) {
  return with_accounts(wanted.config, streams, [&](Accounts& accounts) -> Result<ExitStatus> {
    TRY(const auto owner, user_named(accounts, wanted.owner));
    if (owner.disabled) {
      return fail(ErrorCode::invalid_input, "user " + owner.name + " is disabled",
                  ErrorOrigin::client);
    }
    ApiKey key;
    key.owner = owner.id;
    key.name = wanted.name;
    key.scopes = wanted.scopes;
    key.site = wanted.site;
    if (!wanted.expires.empty()) {
      TRY(key.expires, moment_in(wanted.expires, accounts.now));
    }
    if (wanted.requests_per_minute > 0) key.requests_per_minute = wanted.requests_per_minute;
    const identity::Grant opens{identity::Role::service, key.site};
    warn_of_unknown_sites(accounts, {&opens, 1}, streams.err);
    TRY(auto minted, mint(accounts, key));
    const crypto::WipeAtEnd wipe(minted.text);
    streams.out << minted.text << "\n";
    return kDone;
  });
}

int key_list(const KeyList& wanted, const Streams& streams) {
  return with_accounts(wanted.config, streams, [&](Accounts& accounts) -> Result<ExitStatus> {
    std::optional<std::string> owner;
    if (!wanted.owner.empty()) {
      TRY(const auto user, user_named(accounts, wanted.owner));
      owner = user.id;
    }
    Owners owners(*accounts.store);
    Table table({"ID", "PREFIX", "OWNER", "SCOPES", "SITE", "CREATED", "EXPIRES", "LAST USED",
                 "STATE", "NAME"});
    std::string after;
    while (true) {
      TRY(const auto page, accounts.store->api_keys(owner, after, AccountStore::kMaxPage));
      for (const auto& key : page) {
        after = key.id;
        TRY(const auto name, owners.name_of(key.owner));
        if (wanted.json) {
          streams.out << json_of(key, name, accounts.now);
          continue;
        }
        table.add({key.id, key.prefix, name, text_of(key.scopes), key.site, shown(key.created),
                   shown(key.expires), shown(key.last_used),
                   std::string(state_of(key, accounts.now)), key.name});
      }
      if (page.size() < AccountStore::kMaxPage) break;
    }
    if (!wanted.json) table.print(streams.out);
    return kDone;
  });
}

int key_revoke(const KeyRevoke& wanted, const Streams& streams) {
  return with_accounts(wanted.config, streams, [&](Accounts& accounts) -> Result<ExitStatus> {
    // Neither is the other: an id is longer than a prefix.
    TRY(const auto id, id_of(accounts, wanted.key));
    if (auto revoked = accounts.store->revoke_api_key(id, accounts.now); !revoked) {
      return std::unexpected(revoked.error());
    }
    streams.out << "key " << id << " revoked\n";
    return kDone;
  });
}

}  // namespace portcullis::commands
