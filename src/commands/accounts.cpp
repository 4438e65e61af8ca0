#include "commands/accounts.hpp"

#include <algorithm>
#include <ostream>

#include "commands/configuration.hpp"
#include "config/checks.hpp"
#include "config/loader.hpp"
#include "identity/from_settings.hpp"

namespace portcullis::commands {
namespace {

int fail_with(const Error& error, std::ostream& err) {
  err << "error: " << error.detail << "\n";
  return kFailed;
}

}  // namespace

int with_accounts(const std::string& file, const Streams& streams,
                  const std::function<Result<ExitStatus>(Accounts&)>& work) {
  auto loaded = config::load(config::Sources::from_process(file));
  if (print_errors(loaded, streams.err)) return kBadUsage;
  const auto known = loaded.warnings.size();
  config::ensure_development_secrets(loaded);
  // What is made with a secret that could not be kept, no server accepts.
  for (auto at = known; at < loaded.warnings.size(); ++at) {
    streams.err << "warning: " << loaded.warnings[at].text() << "\n";
  }
  auto store = identity::open_account_store(loaded.settings);
  if (!store) return fail_with(store.error(), streams.err);
  Accounts accounts{.settings = std::move(loaded.settings),
                    .store = *std::move(store),
                    .now = Clock::system().wall()};
  const auto done = work(accounts);
  if (!done) return fail_with(done.error(), streams.err);
  // A key that is shown once, and was not, must not look like success.
  if (!streams.out.flush()) {
    streams.err << "error: standard output cannot be written\n";
    return kFailed;
  }
  return *done;
}

Result<identity::User> user_named(Accounts& accounts, const std::string& name) {
  auto user = accounts.store->find_user(name);
  if (!user && user.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::not_found, "there is no user '" + name + "'", ErrorOrigin::client);
  }
  return user;
}

void warn_of_unknown_sites(const Accounts& accounts, std::span<const identity::Grant> grants,
                           std::ostream& err) {
  for (const auto& grant : grants) {
    if (grant.site == identity::kEverySite) continue;
    const auto& sites = accounts.settings.sites;
    if (std::ranges::find(sites, grant.site, &config::SiteSettings::id) != sites.end()) continue;
    err << "warning: this configuration has no site '" << grant.site << "'\n";
  }
}

}  // namespace portcullis::commands
