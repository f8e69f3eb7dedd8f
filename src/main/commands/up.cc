// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/logging.h"
#include "main/banner.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"
#include "main/node.h"
#include "main/people_source.h"
#include "main/pipeline_files.h"
#include "main/stop_limit.h"
#include "main/stop_signals.h"
#include "main/targets.h"

namespace penstock::main_room {
namespace {

// SIGTERM ends the process within two seconds. Nobody is waited for after the deadline; what is
// left is for closing files.
constexpr auto kStopDeadline = Millis(1300);
constexpr auto kStopLimit = Millis(1900);

struct Options {
  std::string config;
  std::string data_dir;
  std::string kafka;
  std::string cassandra;
  std::string console;
  bool demo = false;
  bool no_generator = false;
  double rate = 10;
  std::uint64_t count = 0;
  LogFlags log;
};

// What the flags say wins over the file. Nothing, having said why, when an address is wrong.
std::optional<Config> configuration(const Options& options, int& code) {
  code = kBadConfig;
  auto config = load_config(options.config);
  if (!config) return std::nullopt;
  code = kUsage;
  const auto address = [](const char* flag, const std::string& text, net::Address& into) {
    if (text.empty()) return true;
    const auto parsed = net::Address::parse(text);
    if (parsed) {
      into = *parsed;
    } else {
      usage_error(fmt::format("{}: {}", flag, parsed.error().message));
    }
    return parsed.has_value();
  };
  if (!options.data_dir.empty()) config->data_dir = options.data_dir;
  net::Address kafka;
  if (!options.cassandra.empty()) config->cassandra.contact_points.clear();
  if (!address("--kafka", options.kafka, kafka) ||
      !address("--cassandra", options.cassandra, config->cassandra.listen) ||
      !address("--console", options.console, config->console.listen)) {
    return std::nullopt;
  }
  if (!options.kafka.empty()) {
    config->kafka.bootstrap_servers.clear();
    config->kafka.client_properties.clear();
    config->kafka.listeners = {{"PLAINTEXT", {.bind = kafka, .advertised = {}}}};
  }
  Problems problems;
  config->check(problems, "flags");
  for (const Problem& problem : problems) fmt::print(stderr, "{}\n", problem.text());
  if (!problems.empty()) return std::nullopt;
  return config;
}

// Commands in this folder find the process by themselves unless flags have led it elsewhere.
bool found_without_flags(const Options& options) {
  return options.config.empty() && options.data_dir.empty() && options.kafka.empty() &&
         options.cassandra.empty();
}

int up(const Options& options) {
  int code = kOk;
  const auto config = configuration(options, code);
  if (!config) return code;
  auto pipelines = read_pipelines(config->pipelines, options.demo);
  if (!pipelines) return kBadConfig;
  options.log.start();
  ::signal(SIGPIPE, SIG_IGN);

  StopSignals signals;
  const std::optional<Sample> sample = sample_of(*pipelines);
  auto node = Node::start(*config, *std::move(pipelines));
  if (!node) return failed(node.error());
  std::unique_ptr<PeopleSource> people;
  if (options.demo && !options.no_generator) {
    auto started = PeopleSource::start({.kafka = {.bootstrap_servers = (*node)->bootstrap_servers(),
                                                  .client_id = "penstock-generate",
                                                  .properties = config->kafka.client_properties},
                                        .rate = options.rate,
                                        .count = options.count});
    if (!started) return failed(started.error());
    people = *std::move(started);
  }
  Banner banner{.at = (*node)->endpoints(),
                .data_dir = config->data_dir.string(),
                .pipelines = (*node)->pipelines(),
                .program = program_in_shell(),
                .bootstrap_servers = (*node)->bootstrap_servers(),
                .contact_points = (*node)->contact_points(),
                .name_addresses = !found_without_flags(options),
                .sample = sample,
                .people_rate = std::nullopt};
  if (people) banner.people_rate = options.rate;
  fmt::print("{}", banner.text());
  std::fflush(stdout);

  signals.wait();
  log_info("main", "stopping; a second signal stops at once");
  const Deadline deadline(kStopDeadline);
  const StopLimit limit(kStopLimit);
  if (people) people->stop(deadline.left() / 4);
  (*node)->stop(deadline);
  node->reset();
  log_info("main", "stopped");
  return kOk;
}

}  // namespace

Run add_up(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("-c,--config", options->config,
                 "Configuration file (default: penstock.yaml, when it is there)")
      ->type_name("FILE");
  app.add_option("--data-dir", options->data_dir, "Where logs, tables and offsets live")
      ->type_name("DIR");
  app.add_option("--kafka", options->kafka, "One listener PLAINTEXT instead of the configured ones")
      ->type_name("HOST:PORT");
  app.add_option("--cassandra", options->cassandra, "Address of the CQL port")
      ->type_name("HOST:PORT");
  app.add_option("--console", options->console, "Address of the HTTP port")->type_name("HOST:PORT");
  app.add_flag("--demo", options->demo,
               "The sample pipeline, unless there is one already, and a generator of people");
  app.add_option("--rate", options->rate,
                 "People a second of the demo; 0 = as fast as they are taken")
      ->capture_default_str();
  app.add_option("--count", options->count,
                 "People of the demo, then no more (default: without end)");
  app.add_flag("--no-generator", options->no_generator, "The demo without its generator");
  options->log.add(app);
  return [options] { return up(*options); };
}

}  // namespace penstock::main_room
