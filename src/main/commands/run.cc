// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/logging.h"
#include "http/http_server.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"
#include "main/pipeline_files.h"
#include "main/pipelines.h"
#include "main/process_metrics.h"
#include "main/stop_signals.h"
#include "main/targets.h"

namespace penstock::main_room {
namespace {

constexpr Duration kStopBudget = Millis(1500);
constexpr Duration kHttpCloseBudget = Millis(200);

struct Options {
  Targets targets;
  std::string file;
  std::string group_instance;
  std::string console;  // HOST:PORT of our own HTTP; empty: none
  bool json = false;
  LogFlags log;
};

// Says once a second how much of a backlog is left, until the pipeline ends or a signal comes.
int wait_saying_progress(StopSignals& signals, const stream::PipelineRunner& runner) {
  constexpr auto kEvery = Millis(1000);
  for (std::int64_t read_before = 0;;) {
    if (const auto came = signals.wait_for(kEvery)) return *came;
    const stream::PipelineStatus status = runner.status();
    const std::int64_t left = status.lag.value_or(0);
    if (left > 0 && status.rows_read > read_before) {
      log_info("main", "pipeline {}: {} records read, {} to go ({} %), {}/s", status.name,
               status.rows_read, left, status.rows_read * 100 / (status.rows_read + left),
               (status.rows_read - read_before) * 1000 / kEvery.count());
    }
    read_before = status.rows_read;
  }
}

// What people and Prometheus may ask of this worker.
Result<std::unique_ptr<http::HttpServer>> serve(net::Loop& loop, const net::Address& address,
                                                Metrics& metrics, const Pipelines& pipelines) {
  note_start(metrics);
  http::Router router;
  router.add("GET", "/metrics", [&](const http::Request&) { return metrics_page(metrics); });
  pipelines.add_routes(router);
  http::HttpOptions options;
  options.address = address;
  auto server = TRY(http::HttpServer::listen(loop, options, std::move(router)));
  log_info("main", "HTTP on {}", server->address().text());
  return server;
}

stream::ConnectionSettings settings_of(const Targets& targets) {
  stream::ConnectionSettings settings;
  settings.bootstrap_servers = targets.bootstrap_servers();
  settings.kafka_properties = targets.config().kafka.client_properties;
  settings.cassandra_contact_points = targets.contact_points();
  settings.cassandra = targets.config().cassandra.client;
  return settings;
}

// Runs the pipelines until they end by themselves or a signal comes.
Result<void> run_until_stopped(StopSignals& signals, const Pipelines& pipelines) {
  stream::PipelineRunner& runner = pipelines.front();
  Result<void> ended;
  net::BlockingPool watch(1, "pipeline");
  watch.run([&] {
    ended = runner.wait();
    signals.release();
  });
  if (wait_saying_progress(signals, runner) != 0)
    log_info("main", "stopping; a second signal stops at once");
  runner.stop(kStopBudget);
  watch.stop();  // `ended` is there
  return ended;
}

int run(Options& options) {
  net::Address console;
  if (!options.console.empty()) {
    const auto parsed = net::Address::parse(options.console);
    if (!parsed) return usage_error(fmt::format("--console: {}", parsed.error().message));
    console = *parsed;
  }
  if (!options.group_instance.empty() && !stream::is_group_instance(options.group_instance)) {
    return usage_error(fmt::format("--group-instance '{}': {}", options.group_instance,
                                   stream::kGroupInstanceRule));
  }
  if (!options.targets.find()) return kBadConfig;
  auto specs = read_pipelines({options.file}, false);
  if (!specs) return kBadConfig;
  if (!options.group_instance.empty())
    specs->front().source.group_instance = options.group_instance;
  options.log.start();
  ::signal(SIGPIPE, SIG_IGN);

  StopSignals signals;
  net::Loops loops(1, "loop");
  Metrics metrics;
  Pipelines pipelines;
  if (auto started =
          pipelines.start(*std::move(specs), settings_of(options.targets), loops.at(0), metrics);
      !started)
    return failed(started.error());
  std::unique_ptr<http::HttpServer> http;
  if (!options.console.empty()) {
    auto served = serve(loops.at(0), console, metrics, pipelines);
    if (!served) return failed(served.error());
    http = *std::move(served);
  }
  const Result<void> ended = run_until_stopped(signals, pipelines);
  if (http != nullptr) http->close(kHttpCloseBudget);
  if (options.json) {
    for (const stream::Progress& progress : pipelines.front().progress())
      fmt::print("{}\n", progress.json());
  }
  return ended ? kOk : failed(ended.error());
}

}  // namespace

Run add_run(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->targets.add_config_flags(app);
  options->targets.add_kafka_flag(app);
  options->targets.add_cassandra_flag(app);
  app.add_option("pipeline", options->file, "Pipeline file")->required()->type_name("FILE");
  app.add_option("--group-instance", options->group_instance,
                 "This worker's own name in the group, the same after each restart: a rolling "
                 "restart then moves no partition")
      ->type_name("NAME");
  app.add_option("--console", options->console,
                 "Serve /metrics, /livez, /readyz and /api/pipelines here (default: nothing)")
      ->type_name("HOST:PORT");
  app.add_flag("--json", options->json,
               "At the end, the progress of the last batches as JSON lines");
  options->log.add(app);
  return [options] { return run(*options); };
}

}  // namespace penstock::main_room
