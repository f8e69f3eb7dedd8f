// SPDX-License-Identifier: Apache-2.0
#include "main/pipeline_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "base/logging.h"
#include "main/sample_pipeline.h"

namespace penstock::main_room {
namespace {

bool take(stream::ParsedPipeline parsed, std::vector<stream::PipelineSpec>& into) {
  for (const stream::Problem& problem : parsed.problems) fmt::print(stderr, "{}\n", problem.text());
  if (!parsed.spec) return false;
  for (const stream::PipelineSpec& other : into) {
    if (other.name != parsed.spec->name) continue;
    fmt::print(stderr, "{}: the pipeline in {} is called '{}' too; names tell pipelines apart\n",
               parsed.spec->file, other.file, other.name);
    return false;
  }
  into.push_back(*std::move(parsed.spec));
  return true;
}

}  // namespace

std::optional<std::vector<stream::PipelineSpec>> read_pipelines(
    const std::vector<std::filesystem::path>& files, bool demo) {
  std::vector<stream::PipelineSpec> specs;
  bool good = true;
  const stream::Environment environment = stream::process_environment();
  for (const auto& file : files)
    good = take(stream::read_pipeline(file.string(), environment), specs) && good;
  const bool has_users = std::any_of(specs.begin(), specs.end(),
                                     [](const auto& spec) { return spec.name == "users"; });
  if (good && demo && !has_users) {
    good =
        take(stream::parse_pipeline(kSamplePipeline, "(the sample pipeline)", environment), specs);
  }
  if (!good) return std::nullopt;
  return specs;
}

void LogFlags::add(CLI::App& app) {
  app.add_option("--log-level", level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_option("--log-format", format, "pretty or json (default: pretty on a terminal)")
      ->check(CLI::IsMember({"pretty", "json"}));
}

void LogFlags::start() const {
  const std::map<std::string, LogLevel> levels{{"debug", LogLevel::Debug},
                                               {"info", LogLevel::Info},
                                               {"warn", LogLevel::Warn},
                                               {"error", LogLevel::Error}};
  const bool pretty = format.empty() ? ::isatty(STDERR_FILENO) == 1 : format == "pretty";
  start_logging(levels.at(level), pretty ? LogFormat::Pretty : LogFormat::Json);
}

}  // namespace penstock::main_room
