// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "main/commands/commands.h"
#include "main/exit_code.h"

namespace penstock::main_room {

Run add_version(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "As one JSON object");
  return [json] {
    if (*json) {
      fmt::print("{{\"version\":\"{}\",\"compiler\":\"{}\",\"cql_protocol\":[3,4]}}\n",
                 PENSTOCK_VERSION, __VERSION__);
    } else {
      fmt::print("penstock {}\n", PENSTOCK_VERSION);
    }
    return kOk;
  };
}

}  // namespace penstock::main_room
