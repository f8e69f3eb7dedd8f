// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/logging.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"
#include "main/node.h"
#include "main/people_source.h"
#include "main/pipeline_files.h"
#include "main/stop_signals.h"
#include "main/targets.h"

namespace penstock::main_room {
namespace {

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
    config->kafka.listeners = {{"PLAINTEXT", {.bind = kafka, .advertised = {}}}};
  }
  Problems problems;
  config->check(problems, "flags");
  for (const Problem& problem : problems) fmt::print(stderr, "{}\n", problem.text());
  if (!problems.empty()) return std::nullopt;
  return config;
}

void print_banner(const Node& node, const Config& config, const Options& options) {
  const Endpoints& at = node.endpoints();
  const std::string own =
      config.data_dir == "penstock-data" ? "" : " --data-dir " + config.data_dir.string();
  std::string listeners;
  for (const auto& [name, address] : at.kafka)
    listeners += fmt::format("{}{} ({})", listeners.empty() ? "" : ", ", address, name);
  fmt::print("Penstock {} is up (pid {}), {} pipeline{}, data in {}\n\n", PENSTOCK_VERSION, at.pid,
             node.pipelines(), node.pipelines() == 1 ? "" : "s", config.data_dir.string());
  fmt::print("  Kafka    {}\n",
             listeners.empty() ? node.bootstrap_servers() + " (real)" : listeners);
  fmt::print("  CQL      {}\n", at.cassandra.empty() ? "(real)" : at.cassandra);
  fmt::print("  HTTP     http://{}/  metrics, livez, readyz, api/pipelines\n\n", at.console);
  fmt::print("Next, in another terminal:\n");
  fmt::print("  penstock produce{} --topic users_data      one JSON record a line\n", own);
  fmt::print(
      "  penstock cql{} -e 'SELECT id, email, registered_date FROM spark_streams.created_users "
      "LIMIT 5'\n",
      own);
  fmt::print("  penstock group describe{} users            how far behind the pipeline is\n", own);
  fmt::print("  penstock generate{} --topic users_data --count 1000\n", own);
  if (options.demo && !options.no_generator) {
    fmt::print("The demo sends {} people a second to users_data; --no-generator leaves it out.\n",
               options.rate);
  }
  fmt::print("Stop with Ctrl-C or: kill {}\n\n", at.pid);
  std::fflush(stdout);
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
  auto node = Node::start(*config, *std::move(pipelines));
  if (!node) return failed(node.error());
  print_banner(**node, *config, options);

  std::unique_ptr<PeopleSource> people;
  if (options.demo && !options.no_generator) {
    auto started = PeopleSource::start({.bootstrap_servers = (*node)->bootstrap_servers(),
                                        .rate = options.rate,
                                        .count = options.count},
                                       (*node)->loop());
    if (!started) return failed(started.error());
    people = *std::move(started);
  }
  signals.wait();
  log_info("main", "stopping; a second signal stops at once");
  people.reset();
  (*node)->stop();
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
