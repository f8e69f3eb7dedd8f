// SPDX-License-Identifier: Apache-2.0
#include "main/command_line.h"

#include <CLI/CLI.hpp>
#include <exception>
#include <map>
#include <string>

#include "base/nearest.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"

namespace penstock::main_room {
namespace {

// CLI11 calls a misspelt command an unexpected argument; name it and what was meant.
bool unknown_command(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return false;
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return false;
  usage_error(fmt::format("no command '{}'{} (see penstock --help)", argv[1],
                          did_you_mean(argv[1], names)));
  return true;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{"Penstock: Kafka protocol, stream pipelines and CQL in one program.", "penstock"};
  app.require_subcommand(1);
  app.set_version_flag("--version", PENSTOCK_VERSION);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong command line, 75 nobody answers (try again), 78 wrong "
      "configuration.");
  std::map<CLI::App*, Run> runs;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->footer(command.examples);
    runs[sub] = command.add(*sub);
  }
  if (unknown_command(argc, argv)) return kUsage;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  try {
    return runs.at(app.get_subcommands().front())();
  } catch (const std::exception& thrown) {
    fmt::print(stderr, "penstock: {}\n", thrown.what());
    return kFailed;
  }
}

}  // namespace penstock::main_room
