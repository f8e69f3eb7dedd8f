// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/logging.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"
#include "main/pipeline_files.h"
#include "main/pipelines.h"
#include "main/stop_signals.h"
#include "main/targets.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::string file;
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

int run(Options& options) {
  if (!options.targets.find()) return kBadConfig;
  auto specs = read_pipelines({options.file}, false);
  if (!specs) return kBadConfig;
  options.log.start();
  ::signal(SIGPIPE, SIG_IGN);

  StopSignals signals;
  net::Loops loops(1, "loop");
  Metrics metrics;
  stream::ConnectionSettings settings;
  settings.bootstrap_servers = options.targets.bootstrap_servers();
  settings.kafka_properties = options.targets.config().kafka.client_properties;
  settings.cassandra_contact_points = options.targets.contact_points();
  settings.cassandra = options.targets.config().cassandra.client;
  const auto runner = stream::PipelineRunner::start(
      std::move(specs->front()), settings, loops.at(0), standard_output(), metrics, system_clock());
  if (!runner) return failed(runner.error().with(options.file));
  Result<void> ended;
  {
    net::BlockingPool watch(1, "pipeline");
    watch.run([&] {
      ended = (*runner)->wait();
      signals.release();
    });
    if (wait_saying_progress(signals, **runner) != 0)
      log_info("main", "stopping; a second signal stops at once");
    (*runner)->stop(Millis(1500));
  }
  if (options.json) {
    for (const stream::Progress& progress : (*runner)->progress())
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
  app.add_flag("--json", options->json,
               "At the end, the progress of the last batches as JSON lines");
  options->log.add(app);
  return [options] { return run(*options); };
}

}  // namespace penstock::main_room
