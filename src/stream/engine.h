// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "stream/ack_tracker.h"
#include "stream/bisection.h"
#include "stream/inbox.h"
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
  enum class Letters { None, Sending, Acknowledged };
  struct Sealed {
    std::unique_ptr<MicroBatch> batch;
    Letters letters = Letters::None;
    Bisection bisection{0};
    bool rows_done = false;
    bool in_flight = false;
    std::size_t bytes_written = 0;
    std::size_t culprits = 0;
    int attempt = 0;
    TimePoint retry_at{};
    TimePoint write_began{};
    std::map<client::TopicPartition, std::uint64_t> acks;
  };

  // Stages
  bool advance();  // moves whatever can move; false when nothing could
  bool open_is_full() const;
  bool should_seal() const;
  void open_batch();
  void take(std::shared_ptr<const Fetched> fetched, std::size_t from);
  void seal();
  void send_letters(Sealed& sealed);
  void on_letters(const Result<void>& result);
  bool write_next();
  void dispatch(std::optional<Bisection::Segment> segment);
  void on_written(Result<StoreOutcome> result);
  void on_refused(const Error& error);
  void retry_later(Sealed& sealed, const Error& error);
  void finish();
  Positions positions_of(const MicroBatch& batch) const;

  // Turn
  bool poll_once();
  bool accepting() const;
  Duration wait_time() const;
  bool idle() const { return !open_ && !ready_ && !writing_ && !leftover_; }
  bool reached_the_end() const;
  void drain(TimePoint deadline);
  void reopen_source(const Error& error);
  bool end();
  void fail_with(std::string message);

  // Reports
  void commit_group(bool wait);
  void report(const Sealed& done);
  void update_lag(Progress& progress);

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
  std::uint64_t epoch_ = 0;
  std::int64_t next_batch_ = 0;
  bool assigned_once_ = false;

  std::unique_ptr<MicroBatch> open_;
  TimePoint seal_at_{};
  std::optional<Sealed> ready_;
  std::optional<Sealed> writing_;
  struct Leftover {
    std::shared_ptr<const Fetched> fetched;
    std::size_t from;
  };
  std::optional<Leftover> leftover_;

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
  bool source_open_ = true;
  TimePoint last_finish_{};
  std::optional<TimePoint> last_trigger_;
  std::map<Reason, TimePoint> last_reject_log_;
  std::string error_;

  struct Meters;
  std::unique_ptr<Meters> meters_;
};

}  // namespace penstock::stream
