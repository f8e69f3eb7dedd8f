// SPDX-License-Identifier: Apache-2.0
#include "stream/pipeline_runner.h"

#include <condition_variable>

#include "base/logging.h"
#include "net/thread.h"
#include "stream/cql_store.h"
#include "stream/engine.h"
#include "stream/failing.h"
#include "stream/kafka_ports.h"

namespace penstock::stream {

struct PipelineRunner::Impl {
  Impl(PipelineSpec pipeline, Plan compiled, ConnectionSettings connections, net::Loop& cql_loop,
       Console& out, Metrics& registry, const Clock& time)
      : spec(std::move(pipeline)),
        plan(std::move(compiled)),
        settings(std::move(connections)),
        loop(cql_loop),
        console(out),
        metrics(registry),
        clock(time),
        report(spec.name),
        source(make_kafka_source(spec, settings)),
        dead_letters(make_kafka_dead_letters(spec, settings)),
        store(spec.cassandra() == nullptr
                  ? make_no_store()
                  : make_cql_store(spec, *spec.cassandra(), settings, loop, metrics)) {
    report.update([&](PipelineStatus& status) { status.started = clock.wall(); });
  }

  void run() {
    std::string error = run_to_the_end();
    if (!error.empty()) log_error("stream", "pipeline {} has failed: {}", spec.name, error);
    report.update([&](PipelineStatus& status) {
      status.state = error.empty() ? PipelineState::Stopped : PipelineState::Failed;
      status.error = error;
    });
    const std::lock_guard lock(mutex);
    engine = nullptr;
    ended = true;
    end_error = std::move(error);
    changed.notify_all();
  }

  std::string run_to_the_end() {
    if (auto opened = open_store(); !opened) return opened.error().message;
    if (stop_requested()) return "";
    Engine own(spec, plan,
               {*source, *store, *dead_letters, console, inbox, report, metrics, clock});
    {
      const std::lock_guard lock(mutex);
      engine = &own;
      if (stopping) own.request_stop(budget);
    }
    if (auto opened = source->open(own); !opened) {
      const std::lock_guard lock(mutex);
      engine = nullptr;
      return opened.error().message;
    }
    while (own.step()) {
    }
    const std::lock_guard lock(mutex);
    engine = nullptr;
    return own.error();
  }

  // Connects to the store, for as long as it may still come.
  Result<void> open_store() {
    for (int attempt = 0; !stop_requested(); ++attempt) {
      auto types = store->open(plan.output());
      if (types) return plan.convert_output(*types);
      const Error& error = types.error();
      // A password may have expired, and is renewed without us.
      const bool refused =
          error.code == Code::Unauthorized && spec.trigger.kind != Trigger::Kind::AvailableNow;
      if (classify(error.code) != Failing::Transient && !refused) return fail(error);
      if (refused && attempt % 10 < 3) {
        log_error("stream", "pipeline {} waits: {}", spec.name, error.message);
      } else if (attempt % 10 == 0) {
        log_warn("stream", "pipeline {} waits for the store: {}", spec.name, error.message);
      }
      report.update([&](PipelineStatus& status) {
        status.error = "waiting for the store: " + error.message;
      });
      inbox.wait(Millis(std::min(100 << std::min(attempt, 7), refused ? 10'000 : 2000)));
      inbox.run();
    }
    return {};
  }

  bool stop_requested() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  const PipelineSpec spec;
  Plan plan;
  const ConnectionSettings settings;
  net::Loop& loop;
  Console& console;
  Metrics& metrics;
  const Clock& clock;
  Report report;
  Inbox inbox;
  std::unique_ptr<Source> source;
  std::unique_ptr<DeadLetters> dead_letters;
  std::unique_ptr<Store> store;

  std::mutex mutex;
  std::condition_variable changed;
  Engine* engine = nullptr;  // while it steps
  bool stopping = false;
  Duration budget{0};
  bool ended = false;
  std::string end_error;

  // The last member: it must be gone before what it uses.
  std::unique_ptr<net::Thread> thread;
};

PipelineRunner::PipelineRunner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PipelineRunner::~PipelineRunner() {
  stop(Duration(0));
}

Result<std::unique_ptr<PipelineRunner>> PipelineRunner::start(PipelineSpec spec,
                                                              ConnectionSettings settings,
                                                              net::Loop& loop, Console& console,
                                                              Metrics& metrics,
                                                              const Clock& clock) {
  Plan plan = TRY(Plan::compile(spec));
  auto impl = std::make_unique<Impl>(std::move(spec), std::move(plan), std::move(settings), loop,
                                     console, metrics, clock);
  Impl* raw = impl.get();
  impl->thread = std::make_unique<net::Thread>("pipe-" + raw->spec.name, [raw] { raw->run(); });
  return std::unique_ptr<PipelineRunner>(new PipelineRunner(std::move(impl)));
}

PipelineStatus PipelineRunner::status() const {
  return impl_->report.status();
}
std::vector<Progress> PipelineRunner::progress() const {
  return impl_->report.progress();
}

void PipelineRunner::stop(Duration budget) {
  std::unique_lock lock(impl_->mutex);
  if (!impl_->stopping) {
    impl_->stopping = true;
    impl_->budget = budget;
    if (impl_->engine != nullptr) impl_->engine->request_stop(budget);
    impl_->inbox.post([] {});
  }
  impl_->changed.wait(lock, [&] { return impl_->ended; });
}

Result<void> PipelineRunner::wait() {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [&] { return impl_->ended; });
  if (!impl_->end_error.empty()) return fail(Code::Internal, "{}", impl_->end_error);
  return {};
}

}  // namespace penstock::stream
