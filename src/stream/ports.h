// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/function.h"
#include "base/result.h"
#include "client/kafka_batch.h"
#include "client/kafka_config.h"
#include "stream/plan.h"

namespace penstock::stream {

// What the engine stands on. Real ones wrap the clients; tests bring their own.

// Records of one poll, kept alive as long as this.
class Fetched {
 public:
  virtual ~Fetched() = default;
  virtual const std::vector<client::KafkaRecord>& records() const = 0;
  virtual std::vector<client::KafkaHeader> headers(std::size_t record) const = 0;
  // Partitions read to their present end.
  virtual const std::vector<client::TopicPartitionOffset>& ends() const = 0;
};

// Where one partition stands: the next offset to read, and the state of its WriteClock.
struct Position {
  std::int64_t offset = 0;
  std::int64_t write_clock = 0;
  std::int64_t batch = 0;  // number of the batch that ended there
  friend bool operator==(const Position&, const Position&) = default;
};
using Positions = std::map<client::TopicPartition, Position>;

// The group's committed offset of a partition.
struct Committed {
  std::int64_t offset = client::kOffsetNone;
  std::string metadata;
};

// Assignments come and go through this, called from inside Source::poll() and close().
class AssignmentListener {
 public:
  virtual ~AssignmentListener() = default;
  // Sets each partition's start offset. One that is left at kOffsetNone is held: no record of it
  // comes before Source::begin().
  virtual Result<void> on_assigned(std::vector<client::TopicPartitionOffset>& partitions) = 0;
  virtual void on_revoked(const std::vector<client::TopicPartition>& partitions) = 0;
  virtual void on_lost(const std::vector<client::TopicPartition>& partitions) = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  // NotFound: a topic that was there when we first opened is not. It is not ours to make again.
  virtual Result<void> open(AssignmentListener& listener) = 0;
  // OutOfRange: an offset that we read from is not in its partition any more; open again to choose
  // another.
  virtual Result<std::shared_ptr<const Fetched>> poll(std::size_t records_max,
                                                      std::size_t bytes_max, Duration wait) = 0;
  virtual void wake() = 0;  // any thread
  virtual void pause_all() = 0;
  virtual void resume_all() = 0;  // but those that are held
  virtual void hold(const client::TopicPartition&) = 0;
  // Reads a held partition again, from there. Not while all are paused.
  virtual Result<void> begin(const client::TopicPartitionOffset& from) = 0;
  virtual Result<std::map<client::TopicPartition, Committed>> committed(
      const std::vector<client::TopicPartition>&) = 0;
  // Asks the broker. Io: it cannot read this partition; others may be well.
  virtual Result<client::Watermarks> watermarks(const client::TopicPartition&,
                                                Duration timeout) = 0;
  virtual std::optional<std::int64_t> last_end(const client::TopicPartition&) = 0;  // as last heard
  // Waits at most a few seconds. Whether the group has the offsets:
  virtual Result<void> commit(const std::vector<client::TopicPartitionOffset>& offsets) = 0;
  // The same without waiting; `done` is called from inside a later poll() or close().
  virtual void commit_soon(const std::vector<client::TopicPartitionOffset>& offsets,
                           Function<void(Result<void>)> done) = 0;
  // What reading struggles with: brokers that are away, a refused password.
  virtual std::optional<Error> trouble() = 0;
  // Leaves the group. The Fetched must be gone.
  virtual void close() = 0;
};

// Rows of one batch for the store, in the order and with the timestamps in which they count.
struct StoreBatch {
  std::shared_ptr<const Rows> rows;
  sql::Selection selection;              // which of them
  std::vector<std::int64_t> timestamps;  // by row number, as `selection` names them
  Positions positions;                   // to be recorded with or after the rows; may be empty
};
struct StoreOutcome {
  std::size_t bytes = 0;
};

// What a sink that keeps rows offers.
class Store {
 public:
  virtual ~Store() = default;
  // Connects, creates what is missing, and tells the types of the output columns. Blocking.
  virtual Result<std::vector<sql::Type>> open(const sql::Fields& output) = 0;
  virtual std::vector<std::size_t> key()
      const = 0;                             // numbers of the key's output columns; empty: no key
  virtual std::size_t rows_max() const = 0;  // of one write
  virtual std::size_t bytes_max() const = 0;
  virtual bool keeps_positions() const = 0;
  // Of every partition that this pipeline has recorded, whoever reads it now. Blocking.
  virtual Result<Positions> positions() = 0;
  // `done` on any thread: every row and then the positions are durable (on a store with atomic
  // batches all at once). NotFound: the table is not what it was, or gone; it may come back.
  virtual void write(StoreBatch batch, Function<void(Result<StoreOutcome>)> done) = 0;
  virtual std::string description() const = 0;
};

// How much of its record a letter carries.
enum class LetterBody : std::uint8_t {
  Whole,
  WithoutValue,  // key and headers
  PlaceOnly,     // what we say of it
};

// A record to divert: raw bytes, and why. Views are valid while `keep_alive` is.
struct DeadLetter {
  client::KafkaRecord record;
  std::vector<client::KafkaHeader> original_headers;
  Reject reject;
  std::shared_ptr<const Fetched> keep_alive;
  LetterBody body = LetterBody::Whole;
};

class DeadLetters {
 public:
  virtual ~DeadLetters() = default;
  // `done` on any thread, once the fate of all is known: one result a letter. TooLarge: the topic
  // does not take this letter, or not in the company it travelled in.
  virtual void send(std::vector<DeadLetter> letters,
                    Function<void(std::vector<Result<void>>)> done) = 0;
};

}  // namespace penstock::stream
