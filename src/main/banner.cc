// SPDX-License-Identifier: Apache-2.0
#include "main/banner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace penstock::main_room {
namespace {

namespace fs = std::filesystem;

// What a shell finds under `name`: the first of PATH; empty when nothing.
fs::path found_on_path(const char* name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path file = fs::path(folder.empty() ? "." : folder) / name;
    std::error_code missing;
    if (fs::is_regular_file(file, missing)) return file;
  }
  return {};
}

std::string listeners_text(const Endpoints& at) {
  std::vector<std::string> all;
  for (const auto& [name, address] : at.kafka) all.push_back(fmt::format("{} ({})", address, name));
  return fmt::format("{}", fmt::join(all, ", "));
}

}  // namespace

std::optional<Sample> sample_of(const std::vector<stream::PipelineSpec>& pipelines) {
  for (const stream::PipelineSpec& spec : pipelines) {
    const stream::CassandraSink* sink = spec.cassandra();
    if (sink == nullptr || !sink->contact_points.empty() || !spec.source.bootstrap_servers.empty())
      continue;
    return Sample{.topic = spec.source.topics.front(),
                  .group = spec.source.group,
                  .table = sink->keyspace + "." + sink->table,
                  .people = spec.name == "users"};
  }
  return std::nullopt;
}

std::string Banner::text() const {
  std::string out =
      fmt::format("Penstock {} is up (pid {}), {} pipeline{}, data in {}\n\n", PENSTOCK_VERSION,
                  at.pid, pipelines, pipelines == 1 ? "" : "s", data_dir);
  const std::string points = fmt::format("{}", fmt::join(contact_points, ","));
  out += fmt::format("  Kafka    {}\n",
                     at.kafka.empty() ? bootstrap_servers + " (real)" : listeners_text(at));
  out += fmt::format("  CQL      {}\n", at.cassandra.empty() ? points + " (real)" : at.cassandra);
  out +=
      fmt::format("  HTTP     http://{}/  metrics, livez, readyz, api/pipelines\n\n", at.console);

  const std::string kafka = name_addresses ? " -b " + bootstrap_servers : "";
  const std::string cql = name_addresses ? " --contact-points " + points : "";
  out += "Next, in another terminal:\n";
  const auto command = [&](const std::string& arguments) {
    out += fmt::format("  {} {}\n", program, arguments);
  };
  if (!sample) {
    command("topic list" + kafka);
    command("cql" + cql + " -e 'DESCRIBE KEYSPACES'");
  } else {
    if (sample->people) {
      out += fmt::format(
          "  echo '{{\"id\":\"me\",\"first_name\":\"Ada\"}}' | {} produce{} --topic {}\n", program,
          kafka, sample->topic);
      command(fmt::format("generate{} --topic {} --count 1000", kafka, sample->topic));
    } else {
      command(fmt::format("produce{} --topic {}", kafka, sample->topic));
    }
    command(fmt::format("cql{} -e 'SELECT * FROM {} LIMIT 5'", cql, sample->table));
    command(fmt::format("group describe{} {}", kafka, sample->group));
  }
  if (people_rate) {
    out += fmt::format("The demo sends {} people a second; --no-generator leaves it out.\n",
                       *people_rate > 0 ? fmt::format("{}", *people_rate) : "as many as it can");
  }
  return out + fmt::format("Stop with Ctrl-C or: kill {}\n\n", at.pid);
}

std::string program_in_shell() {
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  if (fs::equivalent(found_on_path("penstock"), self, ignored)) return "penstock";
  const fs::path near = fs::proximate(self, ignored);
  // The shorter one; without a slash a shell would look on PATH.
  if (near.empty() || near.string().size() > self.string().size()) return shell_word(self.string());
  return shell_word(near.has_parent_path() ? near.string() : "./" + near.string());
}

std::string shell_word(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("/._-+:,@%=").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return text;
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace penstock::main_room
