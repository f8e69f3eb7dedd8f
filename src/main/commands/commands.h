// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace penstock::main_room {

// What a command does once its options are read; returns the exit code.
using Run = std::function<int()>;

struct Command {
  const char* name;
  const char* summary;
  const char* examples;       // the end of its --help
  Run (*add)(CLI::App& app);  // declares its options on `app`
};

// All commands in the order of the help.
const std::vector<Command>& commands();

Run add_up(CLI::App& app);
Run add_run(CLI::App& app);
Run add_produce(CLI::App& app);
Run add_consume(CLI::App& app);
Run add_topic(CLI::App& app);
Run add_group(CLI::App& app);
Run add_cql(CLI::App& app);
Run add_export(CLI::App& app);
Run add_import(CLI::App& app);
Run add_validate(CLI::App& app);
Run add_generate(CLI::App& app);
Run add_doctor(CLI::App& app);
Run add_version(CLI::App& app);

}  // namespace penstock::main_room
