#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "config/checks.hpp"
#include "config/loader.hpp"
#include "config/reference.hpp"
#include "gateway/gateway.hpp"
#include "gateway/reference.hpp"
#include "rules_command.hpp"

namespace {

using namespace portcullis;  // NOLINT(google-build-using-namespace)

constexpr int kBadConfiguration = 2;

/// Prints every problem; true where there are errors.
bool print_problems(const config::Loaded& loaded) {
  for (const auto& error : loaded.errors) std::cerr << "error: " << error.text() << "\n";
  if (!loaded.errors.empty()) std::cerr << loaded.errors.size() << " error(s); not started\n";
  return !loaded.errors.empty();
}

int serve(const std::string& file) {
  auto sources = config::Sources::from_process(file);
  auto loaded = config::load(sources);
  if (print_problems(loaded)) return kBadConfiguration;
  auto gateway = gateway::Gateway::make(std::move(loaded), std::move(sources));
  if (!gateway) {
    std::cerr << "error: " << gateway.error().detail << "\n";
    return kBadConfiguration;
  }
  return (*gateway)->run();
}

int check_config(const std::string& file) {
  const auto loaded = config::load(config::Sources::from_process(file));
  const bool bad = print_problems(loaded);
  for (const auto& warning : loaded.warnings) std::cerr << "warning: " << warning.text() << "\n";
  for (const auto& note : loaded.notes) std::cerr << "note: " << note << "\n";
  std::cout << "profile: " << config::name_of(loaded.settings.profile) << " ("
            << loaded.settings.profile_reason << ")\n\n"
            << config::effective_configuration(loaded);
  if (bad) return kBadConfiguration;
  std::vector<std::string> problems;
  const std::string routes = gateway::describe_routes(loaded.settings, problems);
  for (const auto& problem : problems) std::cerr << "error: " << problem << "\n";
  if (!problems.empty()) return kBadConfiguration;
  std::cout << "\nroutes\n" << routes;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Portcullis: a security gateway for AI chat");
  app.require_subcommand(1);
  app.set_version_flag("--version", "portcullis " + std::string(gateway::version()));
  std::string file;
  std::string what;
  auto* serve_command = app.add_subcommand("serve", "Run the gateway in the foreground");
  serve_command->add_option("--config", file, "YAML file; the environment wins over it");
  auto* check_command =
      app.add_subcommand("check-config", "Print the effective configuration, routes and warnings");
  check_command->add_option("--config", file, "YAML file; the environment wins over it");
  auto* version_command = app.add_subcommand("version", "Print the version");
  auto* reference_command = app.add_subcommand("reference", "Print a generated reference page");
  reference_command->add_option("page", what, "configuration, errors or metrics")->required();
  auto* rules_command = app.add_subcommand("rules", "Try and explain the detection rules");
  rules_command->require_subcommand(1);
  auto* eval_command =
      rules_command->add_subcommand("eval", "Judge lines {\"id\",\"text\"} of standard input");
  std::string field = "prose";
  eval_command->add_option("--field", field, "How the texts are held")
      ->check(CLI::IsMember({"prose", "structure"}));
  auto* list_command = rules_command->add_subcommand("list", "Id, class and points of each rule");
  auto* explain_command =
      rules_command->add_subcommand("explain", "Why a rule exists, and its texts");
  explain_command->add_option("id", what, "Id of the rule")->required();
  auto* rules_test_command =
      rules_command->add_subcommand("test", "Hold every rule against its texts");
  try {
    app.parse(argc, argv);
    if (eval_command->parsed()) {
      std::ios::sync_with_stdio(false);
      return rules_eval(field == "prose" ? detect::Field::prose : detect::Field::structure,
                        std::cin, std::cout, std::cerr);
    }
    if (list_command->parsed()) return rules_list(std::cout);
    if (explain_command->parsed()) return rules_explain(what, std::cout, std::cerr);
    if (rules_test_command->parsed()) return rules_test(std::cout, std::cerr);
    if (serve_command->parsed()) return serve(file);
    if (check_command->parsed()) return check_config(file);
    if (version_command->parsed()) {
      std::cout << "portcullis " << gateway::version() << "\n";
      return 0;
    }
    const std::string page = gateway::reference_page(what);
    if (page.empty()) {
      std::cerr << "error: there is no page '" << what << "'\n";
      return kBadConfiguration;
    }
    std::cout << page;
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadConfiguration;  // 0: the help was asked for
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
