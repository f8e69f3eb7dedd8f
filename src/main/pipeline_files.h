// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stream/pipeline.h"

namespace CLI {
class App;
}

namespace penstock::main_room {

// Reads pipelines, with the sample one (pipelines/users.yaml as it was when this was built) when
// `demo` and none of them is called "users". Nothing, having said every problem on standard error,
// when one is wrong or two have the same name.
std::optional<std::vector<stream::PipelineSpec>> read_pipelines(
    const std::vector<std::filesystem::path>& files, bool demo);

// --log-level and --log-format of the commands that run for long.
struct LogFlags {
  std::string level = "info";
  std::string format;  // empty: pretty on a terminal, JSON lines elsewhere

  void add(CLI::App& app);
  void start() const;
};

}  // namespace penstock::main_room
