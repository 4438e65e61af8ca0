#include "commands/rules_options.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "commands/rules_commands.hpp"

namespace portcullis::commands {

void add_rules_commands(CLI::App& app, Command& command) {
  auto* group = app.add_subcommand("rules", "Try and explain the detection rules");
  group->require_subcommand(1);

  auto* eval = group->add_subcommand("eval", "Judge lines {\"id\",\"text\"} of standard input");
  const auto field = std::make_shared<std::string>("prose");
  eval->add_option("--field", *field, "How the texts are held")
      ->check(CLI::IsMember({"prose", "structure"}));
  eval->callback([&command, field] {
    command = [field](const Streams& streams) {
      std::ios::sync_with_stdio(false);
      return rules_eval(*field == "prose" ? detect::Field::prose : detect::Field::structure,
                        streams.in, streams.out, streams.err);
    };
  });

  group->add_subcommand("list", "Id, class and points of each rule")->callback([&command] {
    command = [](const Streams& streams) { return rules_list(streams.out); };
  });

  auto* explain = group->add_subcommand("explain", "Why a rule exists, and its texts");
  const auto id = std::make_shared<std::string>();
  explain->add_option("id", *id, "Id of the rule")->required();
  explain->callback([&command, id] {
    command = [id](const Streams& streams) { return rules_explain(*id, streams.out, streams.err); };
  });

  group->add_subcommand("test", "Hold every rule against its texts")->callback([&command] {
    command = [](const Streams& streams) { return rules_test(streams.out, streams.err); };
  });
}

}  // namespace portcullis::commands
