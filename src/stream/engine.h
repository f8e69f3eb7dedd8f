// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "stream/ack_tracker.h"
#include "stream/bisection.h"
#include "stream/breaker.h"
#include "stream/busy_share.h"
#include "stream/checkpoint.h"
#include "stream/inbox.h"
#include "stream/letter_queue.h"
#include "stream/micro_batch.h"
#include "stream/pipeline_runner.h"
#include "stream/ports.h"

namespace penstock::stream {

// What the engine tells about itself; filled by its thread, read by any. Owned beside the engine so
// that it outlives it.
class Report {
 public:
  explicit Report(std::string name) { status_.name = std::move(name); }

  PipelineStatus status() const;
  std::vector<Progress> progress() const;
  void update(const std::function<void(PipelineStatus&)>& change);
  void add(Progress progress);  // keeps the last 100

 private:
  mutable std::mutex mutex_;
  PipelineStatus status_;
  std::vector<Progress> progress_;
};

// Moves batches from the source to the store. Three stages, one batch each: open (fetched and
// decoded as records come), ready (sealed; its dead letters are under way), writing (in the store's
// hands). So batch N+1 is decoded while N is written, and N's positions are recorded before N+1's
// are sent.
//
// Belongs to one thread, which calls step() until it returns false; completions come back through
// the inbox. A batch's order is: dead letters acknowledged, rows and positions durable, group
// offsets committed (soon after, together). Whatever breaks in between, the positions are behind
// the rows, never ahead; a replay writes the same cells with the same timestamps.
//
// A partition that the broker cannot read (its disk, or damage) is left out while the others go on:
// the status names it, and it is asked for again, less and less often, until it is well. So is one
// whose start the store cannot tell yet.
//
// What a person can cure without us is waited for, with the reason in the status: a password that
// expired, a right, a dropped table, a deleted topic, a dead-letter topic that takes nothing. A
// pipeline that is to end by itself (available_now) fails instead.
class Engine final : public AssignmentListener {
 public:
  struct Parts {
    Source& source;
    Store& store;
    DeadLetters& dead_letters;
    Console& console;
    Inbox& inbox;
    Report& report;
    Metrics& metrics;
    const Clock& clock;
  };
  Engine(const PipelineSpec& spec, const Plan& plan, const Parts& parts);
  ~Engine() override;

  // One turn: waits for records or completions, moves the stages. False when the pipeline has
  // ended: stopped, at the end of available_now, or failed (then error() says why). The source is
  // closed by then.
  bool step();
  const std::string& error() const { return error_; }

  // Any thread: no new records; step() ends when what is in flight is done, at the latest `budget`
  // from now.
  void request_stop(Duration budget);

  Result<void> on_assigned(std::vector<client::TopicPartitionOffset>& partitions) override;
  void on_revoked(const std::vector<client::TopicPartition>& partitions) override;
  void on_lost(const std::vector<client::TopicPartition>& partitions) override;

 private:
  // For a batch to be finished before its partitions go to somebody else.
  static constexpr Duration kRevokeBudget = std::chrono::seconds(10);

  // What of a batch is in the store's hands: some of its rows, all of them with the positions, or
  // the positions after the rows.
  enum class Flight { SomeRows, AllRows, OnlyPositions };
  struct Sealed {
    std::unique_ptr<MicroBatch> batch;
    TimePoint sealed_at{};
    LetterQueue letters;  // not acknowledged yet
    bool letters_under_way = false;
    Bisection bisection{0};
    bool rows_done = false;
    bool in_flight = false;
    Flight flight = Flight::SomeRows;
    TimePoint sent_at{};
    std::size_t bytes_written = 0;
    std::size_t culprits = 0;
    int attempt = 0;
    TimePoint retry_at{};
    TimePoint write_began{};
    std::optional<Duration> checkpointing;  // when the positions took writes of their own
    std::map<client::TopicPartition, std::uint64_t> acks;
  };

  // Stages
  bool advance();  // moves whatever can move; false when nothing could
  bool open_is_full() const;
  bool should_seal() const;
  void open_batch();
  void take();
  void seal();
  void send_letters(Sealed& sealed);
  void on_letters(std::int64_t batch, const std::vector<Result<void>>& results);
  void note_shortened(const std::vector<DeadLetter>& letters);
  Sealed* sealed_batch(std::int64_t id);
  bool write_next();
  void dispatch(std::optional<Bisection::Segment> segment);
  void on_written(const Result<StoreOutcome>& result);
  void on_refused(const Error& error);
  void retry_letters(Sealed& sealed, const Error& error);
  void retry_write(Sealed& sealed, const Error& error);
  void note_retry(Sealed& sealed, const Error& error);
  bool is_waited_for(const Error& error) const;
  bool letters_fail() const;
  void show_breaker();
  void finish();
  void drop_stages();
  Positions positions_of(const MicroBatch& batch) const;

  // Turn
  bool poll_once();
  bool accepting() const;
  Duration wait_time() const;
  bool idle() const { return !open_ && !ready_ && !writing_ && leftovers_.empty(); }
  bool reached_the_end() const;
  void drain(TimePoint deadline);
  void measure_memory();
  void reopen_source(const Error& error);
  bool end();
  void fail_with(std::string message);

  // Partitions
  Result<Stands> ask_stands(const std::vector<client::TopicPartition>& partitions);
  Result<void> choose_starts(std::vector<client::TopicPartitionOffset>& partitions);
  Result<void> start_partition(const client::TopicPartition& partition, const Stands& stands);
  Result<void> heed_new_topics(Stands& stands);
  Result<void> ask_others(const std::set<std::string>& topics, Stands& stands);
  Result<void> begin_anew(const std::set<std::string>& topics, Stands& stands);
  void leave_out(const client::TopicPartition& partition, const Error& error);
  void ask_left_out();
  bool ask_left_out(const client::TopicPartition& partition);
  Result<void> take_back(const client::TopicPartition& partition);
  void forget_partitions();
  void report_left_out();
  std::string left_out_text() const;

  // Reports
  struct End {
    std::int64_t offset = 0;                // the newest end of the partition that we know
    std::optional<TimePoint> behind_since;  // when we first knew of records that we had not
  };
  void commit_group(bool wait);
  void on_committed(const std::vector<client::TopicPartitionOffset>& offsets,
                    const Result<void>& committed);
  void show_trouble();
  void report(const Sealed& done);
  void tick();
  void hear_ends();
  void ask_ends();
  void renew_lag();
  double lag_seconds(const client::TopicPartition& partition, std::int64_t behind, End& end);
  const MicroBatch* oldest_batch() const;

  const PipelineSpec& spec_;
  const Plan& plan_;
  Parts parts_;
  JsonDecoder decoder_;
  std::shared_ptr<ColumnPool> columns_;  // shared with rows that may outlive the engine
  Uuid id_;
  Uuid run_id_ = Uuid::random();

  MicroBatch::Partitions partitions_;  // assigned now
  std::map<client::TopicPartition, AckTracker> acks_;
  std::map<client::TopicPartition, std::int64_t> to_commit_;
  std::map<client::TopicPartition, End> ends_;
  struct LeftOut {
    std::string why;
    bool damaged = false;  // else its start is not known yet
    int attempt = 0;
    TimePoint retry_at{};
  };
  std::map<client::TopicPartition, LeftOut> left_out_;
  std::uint64_t epoch_ = 0;
  std::int64_t next_batch_ = 0;
  bool assigned_once_ = false;
  bool topic_was_gone_ = false;  // since partitions were last assigned

  std::unique_ptr<MicroBatch> open_;
  TimePoint seal_at_{};
  std::optional<Sealed> ready_;
  std::optional<Sealed> writing_;
  struct Leftover {
    MicroBatch::Poll poll;
    std::size_t from;  // the first record that no batch has
  };
  std::deque<Leftover> leftovers_;  // one, unless a poll brought records against the order to pause

  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> stop_budget_{0};
  std::optional<TimePoint> stop_deadline_;
  bool draining_ = false;
  bool paused_ = false;
  bool gate_closed_ = false;
  bool ended_ = false;
  TimePoint began_;
  TimePoint last_poll_;
  TimePoint last_commit_{};
  TimePoint source_retry_at_{};
  int source_attempt_ = 0;
  std::string trouble_;  // as shown in the status
  Breaker breaker_;
  Breaker::State breaker_shown_ = Breaker::State::Closed;
  TimePoint next_tick_{};
  TimePoint next_ask_{};
  client::TopicPartition last_asked_;
  bool source_open_ = true;
  TimePoint last_finish_{};
  std::optional<TimePoint> last_trigger_;
  std::map<Reason, TimePoint> last_reject_log_;
  BusyShare decoding_;
  BusyShare transforming_;
  BusyShare writing_share_;
  std::string error_;

  struct Meters;
  std::unique_ptr<Meters> meters_;
};

}  // namespace penstock::stream
