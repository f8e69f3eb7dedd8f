// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "client/cql_config.h"
#include "net/loop.h"
#include "stream/pipeline.h"
#include "stream/progress.h"

namespace penstock::stream {

// Where the console sink prints: one call is one whole table, so that tables of several pipelines
// do not mix.
class Console {
 public:
  virtual ~Console() = default;
  virtual void print(std::string_view text) = 0;  // any thread
};

// How to reach the broker and the store that the configuration names; a pipeline's own addresses
// win.
struct ConnectionSettings {
  std::string bootstrap_servers;
  std::map<std::string, std::string>
      kafka_properties;  // security and tuning, passed to the Kafka client as they are
  std::vector<std::string> cassandra_contact_points;  // "host:port"
  client::CqlConfig cassandra;  // how to reach them; its own addresses do not count
  std::string client_id = "penstock";
  // A name of this worker that outlives it (static membership, KIP-345): after a crash it has its
  // partitions back at once, not after the session timeout. No two workers of a group may share it.
  // Empty: a new member at each start.
  std::string group_instance;
};

enum class PipelineState {
  Starting,  // connecting; retries with back-off as long as it may help
  Running,
  Stopping,  // draining
  Stopped,   // stop() finished, or available_now reached its end
  Failed,    // gave up; `error` says why and what to do
};
std::string_view name(PipelineState state);

// A snapshot for people and for /api/pipelines.
struct PipelineStatus {
  std::string name;
  PipelineState state = PipelineState::Starting;
  std::string error;  // set when Failed; while Starting, what it is waiting for
  WallTime started{};
  std::int64_t batches = 0;
  std::int64_t rows_read = 0;
  std::int64_t rows_written = 0;
  std::int64_t rows_filtered = 0;
  std::map<Reason, std::int64_t> rejected;
  std::map<Reason, std::string> last_reject;   // latest message of each class
  std::map<Reason, std::int64_t> letters_cut;  // diverted without what was too large for the topic
  // Of the assigned partitions, renewed each second:
  OffsetMap checkpoint;  // next offset to read, acknowledged by every sink
  OffsetMap high_watermark;
  std::optional<std::int64_t> lag;  // records behind; not known before the first assignment
  // Partitions that the broker cannot read, and its words; the others go on.
  std::map<std::string, std::map<std::int32_t, std::string>> left_out;
  std::string breaker = "closed";  // "open": the store fails and is left alone; "half_open"

  std::string json() const;  // one object, with latest progress left out
};

// Runs one pipeline: one thread reads, decodes and dispatches; the store's answers come back from
// `loop`.
//
// start() checks the plan and returns; connecting, creating the table and reading happen behind it.
// A batch counts as done when every row is acknowledged by the store and every diverted record by
// the dead-letter topic; only then does the checkpoint pass it (on our own store it travels in the
// same atomic batch). Destroying without stop() is stop(0): nothing acknowledged is lost, the last
// batch is read again.
class PipelineRunner {
 public:
  // `loop`, `console`, `metrics` and `clock` must live longer than the runner.
  static Result<std::unique_ptr<PipelineRunner>> start(PipelineSpec spec,
                                                       ConnectionSettings settings, net::Loop& loop,
                                                       Console& console, Metrics& metrics,
                                                       const Clock& clock);
  ~PipelineRunner();
  PipelineRunner(const PipelineRunner&) = delete;
  PipelineRunner& operator=(const PipelineRunner&) = delete;

  // Any thread.
  PipelineStatus status() const;
  std::vector<Progress> progress() const;  // the last 100 batches, oldest first

  // Stops reading, finishes what is in flight within `budget`, checkpoints, commits, leaves the
  // group; blocks. Any thread but the loop's. Later calls wait for the first.
  void stop(Duration budget);

  // Blocks until the pipeline ends by itself (available_now, or a failure) or by stop(); the error
  // when it failed.
  Result<void> wait();

 private:
  struct Impl;
  explicit PipelineRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::stream
