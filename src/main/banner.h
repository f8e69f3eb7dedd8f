// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "main/data_dir.h"
#include "stream/pipeline.h"

namespace penstock::main_room {

// A pipeline to show around with: from its topic to its table.
struct Sample {
  std::string topic;
  std::string group;
  std::string table;    // "keyspace.table"
  bool people = false;  // its records are those that `penstock generate` makes
};
// The first that reads and writes at the addresses of the configuration.
std::optional<Sample> sample_of(const std::vector<stream::PipelineSpec>& pipelines);

// What `penstock up` prints when it is ready: where it listens, and commands that can be pasted
// into a shell in the same folder.
struct Banner {
  Endpoints at;
  std::string data_dir;
  std::size_t pipelines = 0;
  std::string program;  // as a shell calls it
  std::string bootstrap_servers;
  std::vector<std::string> contact_points;
  bool name_addresses = false;  // the commands would not find them by themselves
  std::optional<Sample> sample;
  std::optional<double> people_rate;  // of the demo's generator; 0 = without limit

  std::string text() const;
};

// How a shell in this folder calls this program: by name when PATH leads to it, else by its path.
std::string program_in_shell();

// The text as one word of a shell.
std::string shell_word(const std::string& text);

}  // namespace penstock::main_room
