// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "broker/topic_configs.h"
#include "cql/unsupported.h"
#include "main/commands/commands.h"
#include "main/config.h"
#include "main/console_tool_flags.h"
#include "main/exit_code.h"
#include "wire/kafka/served_apis.h"

namespace penstock::main_room {

namespace {

// The parts of COMPAT.md that are made from the code: what is served, what has no effect, and what
// is refused.
void print_compat() {
  fmt::print("{}\n{}", kafka::served_apis_markdown(), broker::topic_settings_markdown());
  fmt::print("\n| CQL that is refused | what to do instead |\n| --- | --- |\n");
  for (const auto& [feature, advice] : cql_server::kUnsupported) {
    fmt::print("| {} | {} |\n", feature, advice);
  }
  fmt::print("\n| key of penstock.yaml that is refused | why |\n| --- | --- |\n");
  for (const auto& [section, key, why] : kRefusedKeys)
    fmt::print("| `{}{}{}` | {} |\n", section, *section == '\0' ? "" : ".", key, why);
  fmt::print("\n{}", console_tool_flags_markdown());
}

}  // namespace

Run add_version(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  auto compat = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "As one JSON object");
  app.add_flag("--compat", *compat, "What is served, ignored and refused, in Markdown");
  return [json, compat] {
    if (*compat) {
      print_compat();
    } else if (*json) {
      fmt::print("{{\"version\":\"{}\",\"compiler\":\"{}\",\"cql_protocol\":[3,4]}}\n",
                 PENSTOCK_VERSION, __VERSION__);
    } else {
      fmt::print("penstock {}\n", PENSTOCK_VERSION);
    }
    return kOk;
  };
}

}  // namespace penstock::main_room
