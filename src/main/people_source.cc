// SPDX-License-Identifier: Apache-2.0
#include "main/people_source.h"

#include "base/logging.h"

namespace penstock::main_room {
namespace {

// About 5 MB: enough to keep a broker busy, and answered within tens of milliseconds.
constexpr std::uint64_t kUnansweredMax = 10'000;

}  // namespace

PeopleSource::PeopleSource(const PeopleOptions& options, OnSent on_sent, Function<void()> on_end)
    : options_(options),
      on_sent_(std::move(on_sent)),
      on_end_(std::move(on_end)),
      people_(options.seed) {}

Result<std::unique_ptr<PeopleSource>> PeopleSource::start(const PeopleOptions& options,
                                                          OnSent on_sent, Function<void()> on_end) {
  std::unique_ptr<PeopleSource> source(
      new PeopleSource(options, std::move(on_sent), std::move(on_end)));
  source->producer_ = TRY(client::KafkaProducer::open({.kafka = options.kafka, .compression = {}}));
  source->thread_ = std::make_unique<net::Thread>("people", [raw = source.get()] { raw->run(); });
  return source;
}

void PeopleSource::run() {
  while (wait_for_turn()) {
    send_next();
    if (on_sent_) on_sent_(counts().sent);
  }
  if (on_end_) on_end_();
}

// Returns when the next record is due and may be sent; false when none will be any more.
bool PeopleSource::wait_for_turn() {
  std::unique_lock lock(mutex_);
  if (options_.count > 0 && counts_.sent >= options_.count) return false;
  const auto few_unanswered = [this] {
    return stopping_ || counts_.sent - counts_.delivered - counts_.failed < kUnansweredMax;
  };
  changed_.wait(lock, few_unanswered);
  if (options_.rate > 0) {
    const std::chrono::duration<double> after(static_cast<double>(counts_.sent) / options_.rate);
    const TimePoint due = start_ + std::chrono::duration_cast<Duration>(after);
    changed_.wait_until(lock, due, [this] { return stopping_; });
  }
  return !stopping_;
}

void PeopleSource::send_next() {
  people_.next(json_);
  const client::ProducerRecord record{
      .topic = options_.topic, .key = people_.id(), .value = json_, .headers = {}};
  {
    const std::lock_guard lock(mutex_);
    ++counts_.sent;
  }
  const auto queued = producer_->produce(
      record, [this](const Result<client::Delivery>& result) { done(result); },
      client::KafkaProducer::WhenFull::Fail);
  if (!queued) done(fail(queued.error()));
}

void PeopleSource::done(const Result<client::Delivery>& result) {
  bool first_failure = false;
  {
    const std::lock_guard lock(mutex_);
    if (result) {
      ++counts_.delivered;
    } else {
      first_failure = counts_.failed++ == 0 && !stopping_;
    }
    changed_.notify_all();
  }
  if (first_failure) log_warn("generate", "a record was not delivered: {}", result.error().message);
}

void PeopleSource::stop(Duration flush_max) {
  if (producer_ == nullptr) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.reset();
  if (!producer_->flush(flush_max))
    log_info("generate", "{} of the last records have no answer", producer_->queued());
  producer_.reset();  // and have failed now
}

PeopleSource::Counts PeopleSource::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

PeopleSource::~PeopleSource() {
  stop(Duration(0));
}

}  // namespace penstock::main_room
