// SPDX-License-Identifier: Apache-2.0
#include "main/people_source.h"

#include <algorithm>
#include <future>

#include "base/logging.h"

namespace penstock::main_room {
namespace {

constexpr auto kTick = Millis(50);
constexpr std::uint64_t kUnlimitedTick = 50'000;  // records between two looks at whether to stop

}  // namespace

Result<std::unique_ptr<PeopleSource>> PeopleSource::start(const PeopleOptions& options,
                                                          net::Loop& loop,
                                                          Function<void()> on_sent) {
  auto state = std::make_shared<State>(options, loop);
  state->on_sent = std::move(on_sent);
  state->producer =
      TRY(client::KafkaProducer::open({.kafka = {.bootstrap_servers = options.bootstrap_servers,
                                                 .client_id = "penstock-generate",
                                                 .properties = {}},
                                       .compression = {}}));
  std::unique_ptr<PeopleSource> source(new PeopleSource(state));
  source->pool_ = std::make_unique<net::BlockingPool>(1, "people");
  net::BlockingPool& pool = *source->pool_;
  pool.run([state, &pool] { tick(state, pool); });
  return source;
}

// On the pool: send what is due, then come again at the next tick.
void PeopleSource::tick(const std::shared_ptr<State>& state, net::BlockingPool& pool) {
  send_due(state);
  if (state->finished && state->on_sent) state->on_sent();
  if (state->stopping || state->finished) return;
  if (state->options.rate <= 0) return pool.run([state, &pool] { tick(state, pool); });
  state->loop.post([state, &pool] {
    state->loop.after(kTick, [state, &pool] {
      // The pool lives until stop(), which sets `stopping` on this loop.
      if (!state->stopping) pool.run([state, &pool] { tick(state, pool); });
    });
  });
}

void PeopleSource::send_due(const std::shared_ptr<State>& state) {
  const PeopleOptions& options = state->options;
  const double seconds = std::chrono::duration<double>(system_clock().now() - state->start).count();
  std::uint64_t due = options.rate > 0 ? static_cast<std::uint64_t>(seconds * options.rate) + 1
                                       : state->sent + kUnlimitedTick;
  if (options.count > 0) due = std::min(due, options.count);
  Bytes json;
  for (; state->sent < due && !state->stopping; ++state->sent) {
    state->people.next(json);
    const client::ProducerRecord record{
        .topic = options.topic, .key = state->people.id(), .value = json, .headers = {}};
    const auto queued =
        state->producer->produce(record, [state](const Result<client::Delivery>& result) {
          if (!result && state->failed++ == 0)
            log_warn("generate", "a record was not delivered: {}", result.error().message);
        });
    if (!queued) {
      if (state->failed++ == 0)
        log_warn("generate", "a record was not taken: {}", queued.error().message);
      return;
    }
  }
  state->finished = options.count > 0 && state->sent >= options.count;
}

void PeopleSource::stop(Duration flush_max) {
  if (pool_ == nullptr) return;
  // Set on the loop, so that no timer hands work to the pool after it is gone.
  std::promise<void> told;
  state_->loop.post([this, &told] {
    state_->stopping = true;
    told.set_value();
  });
  told.get_future().wait();
  pool_->stop();
  pool_.reset();
  if (const auto flushed = state_->producer->flush(flush_max); !flushed) {
    state_->failed += state_->producer->queued();
    log_warn("generate", "stopped with {} records undelivered", state_->producer->queued());
  }
}

PeopleSource::~PeopleSource() {
  stop();
}

}  // namespace penstock::main_room
