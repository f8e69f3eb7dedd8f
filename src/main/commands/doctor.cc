// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <memory>

#include "main/commands/commands.h"
#include "main/doctor_probe.h"
#include "main/exit_code.h"
#include "main/pipeline_files.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::vector<std::string> files;
  int timeout_ms = 5000;
  bool json = false;
};

boost::json::object to_json(const Finding& finding) {
  boost::json::object out{
      {"grade", name(finding.grade)}, {"subject", finding.subject}, {"found", finding.found}};
  if (!finding.advice.empty()) out["advice"] = finding.advice;
  if (finding.took)
    out["latency_ms"] = std::chrono::duration<double, std::milli>(*finding.took).count();
  return out;
}

int doctor(Options& options) {
  if (!options.targets.find()) return kBadConfig;
  std::vector<std::filesystem::path> files(options.files.begin(), options.files.end());
  if (files.empty()) files = options.targets.config().pipelines;
  const auto pipelines = read_pipelines(files, false);
  if (!pipelines) return kBadConfig;

  std::map<Finding::Grade, int> count;
  boost::json::array all;
  DoctorProbe probe(options.targets, Millis(options.timeout_ms), [&](const Finding& finding) {
    ++count[finding.grade];
    if (options.json) {
      all.push_back(to_json(finding));
    } else {
      fmt::print("{}\n", text(finding));
      std::fflush(stdout);
    }
  });
  probe.data_dir();
  probe.kafka(*pipelines);
  probe.cassandra(*pipelines);
  probe.console();
  const int problems = count[Finding::Grade::Bad];
  if (options.json) {
    fmt::print("{}\n", boost::json::serialize(boost::json::object{{"healthy", problems == 0},
                                                                  {"findings", std::move(all)}}));
  } else {
    fmt::print("{} ok, {} to note, {} {}\n", count[Finding::Grade::Good],
               count[Finding::Grade::Note], problems, problems == 1 ? "problem" : "problems");
  }
  return problems == 0 ? kOk : kFailed;
}

}  // namespace

Run add_doctor(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->targets.add_config_flags(app);
  options->targets.add_kafka_flag(app);
  options->targets.add_cassandra_flag(app);
  app.add_option("pipelines", options->files,
                 "Pipelines whose topics and tables to look at (default: the configuration's)")
      ->type_name("FILE");
  app.add_option("--timeout-ms", options->timeout_ms, "For one question")
      ->check(CLI::Range(1, 600'000))
      ->capture_default_str();
  app.add_flag("--json", options->json, "As one JSON object");
  return [options] { return doctor(*options); };
}

}  // namespace penstock::main_room
