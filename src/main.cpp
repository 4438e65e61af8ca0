#include <CLI/CLI.hpp>
#include <iostream>

#include "commands/account_options.hpp"
#include "commands/configuration.hpp"
#include "commands/rules_options.hpp"
#include "config/loader.hpp"
#include "config/reference.hpp"
#include "gateway/gateway.hpp"
#include "gateway/reference.hpp"

namespace {

using namespace portcullis;  // NOLINT(google-build-using-namespace)
using commands::kBadUsage;
using commands::kDone;
using commands::kFailed;

int serve(const std::string& file) {
  auto sources = config::Sources::from_process(file);
  auto loaded = config::load(sources);
  if (commands::print_errors(loaded, std::cerr)) return kBadUsage;
  auto gateway = gateway::Gateway::make(std::move(loaded), std::move(sources));
  if (!gateway) {
    std::cerr << "error: " << gateway.error().detail << "\n";
    return kBadUsage;
  }
  return (*gateway)->run();
}

int check_config(const std::string& file) {
  const auto loaded = config::load(config::Sources::from_process(file));
  const bool bad = commands::print_errors(loaded, std::cerr);
  for (const auto& warning : loaded.warnings) std::cerr << "warning: " << warning.text() << "\n";
  for (const auto& note : loaded.notes) std::cerr << "note: " << note << "\n";
  std::cout << "profile: " << config::name_of(loaded.settings.profile) << " ("
            << loaded.settings.profile_reason << ")\n\n"
            << config::effective_configuration(loaded);
  if (bad) return kBadUsage;
  std::vector<std::string> problems;
  const std::string routes = gateway::describe_routes(loaded.settings, problems);
  for (const auto& problem : problems) std::cerr << "error: " << problem << "\n";
  if (!problems.empty()) return kBadUsage;
  std::cout << "\nroutes\n" << routes;
  return kDone;
}

int reference(const std::string& name) {
  const std::string page = gateway::reference_page(name);
  if (page.empty()) {
    std::cerr << "error: there is no page '" << name << "'\n";
    return kBadUsage;
  }
  std::cout << page;
  return kDone;
}

int run(int argc, char** argv) {
  CLI::App app("Portcullis: a security gateway for AI chat");
  app.require_subcommand(1);
  app.set_version_flag("--version", "portcullis " + std::string(gateway::version()));
  std::string file;
  std::string page;
  auto* serve_command = app.add_subcommand("serve", "Run the gateway in the foreground");
  serve_command->add_option("--config", file, "YAML file; the environment wins over it");
  auto* check_command =
      app.add_subcommand("check-config", "Print the effective configuration, routes and warnings");
  check_command->add_option("--config", file, "YAML file; the environment wins over it");
  auto* version_command = app.add_subcommand("version", "Print the version");
  auto* reference_command = app.add_subcommand("reference", "Print a generated reference page");
  reference_command->add_option("page", page, "configuration, errors or metrics")->required();
  commands::Command command;
  commands::add_account_commands(app, command);
  commands::add_rules_commands(app, command);
  try {
    app.parse(argc, argv);
    if (command) return command({std::cin, std::cout, std::cerr});
    if (serve_command->parsed()) return serve(file);
    if (check_command->parsed()) return check_config(file);
    if (reference_command->parsed()) return reference(page);
    if (version_command->parsed()) std::cout << "portcullis " << gateway::version() << "\n";
    return kDone;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kBadUsage;  // 0: the help was asked for
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return kFailed;
  }
}
