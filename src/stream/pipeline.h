// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sql/field.h"
#include "stream/reject.h"

namespace penstock::stream {

enum class StartAt { Earliest, Latest };

struct KafkaSource {
  std::string bootstrap_servers;  // empty: those of the configuration
  std::vector<std::string> topics;
  std::string group;  // by default the pipeline's name
  // This worker's own name in the group (static membership, KIP-345); empty: the process's.
  std::string group_instance;
  StartAt start = StartAt::Earliest;  // for a group and pipeline without offsets only
  bool fail_on_data_loss = true;
  std::map<std::string, std::string> properties;  // passed to the Kafka client as they are
};

// One step of `transform`. The place is that of the SQL text in the file, so that its errors can
// name it.
struct TransformStep {
  enum class Kind { Where, Select };
  Kind kind = Kind::Where;
  std::string sql;
  int line = 0;
  int column = 0;
};

struct Trigger {
  enum class Kind { Asap, Interval, AvailableNow };
  Kind kind = Kind::Interval;
  Millis interval{500};
  std::size_t max_rows = 200'000;  // a batch is sealed when it has so many
};

struct CassandraSink {
  std::vector<std::string> contact_points;  // empty: those of the configuration
  std::string keyspace;
  std::string table;
  std::vector<std::string>
      primary_key;  // partition key, then clustering columns; needed to create the table
  bool create_if_missing = false;
  std::string consistency;  // empty: the configuration's, else local_quorum
  enum class OnNull {
    Unset,
    Null
  } on_null = OnNull::Null;  // what an explicit JSON null does to the cell
};

struct ConsoleSink {
  std::size_t rows = 20;
  std::size_t truncate = 20;  // 0: whole cells, left-aligned
};

using Sink = std::variant<CassandraSink, ConsoleSink>;

struct DlqTarget {
  std::string topic;  // by default "<first topic>.dlq"
};

// What a pipeline does: the content of its file, defaults filled in. A value; nothing is open.
struct PipelineSpec {
  std::string name;
  std::string file;  // for messages
  KafkaSource source;
  sql::Fields schema;
  std::vector<TransformStep> transform;
  std::map<Reason, Action> on_error;  // every reason has its action
  DlqTarget dlq;
  Trigger trigger;
  std::vector<Sink> sinks;
  std::size_t max_record_bytes = 1 << 20;
  std::size_t memory_bytes = 256 << 20;  // budget for records between fetch and acknowledgement

  const CassandraSink* cassandra() const;  // the first one, or null
};

// Something wrong (or worth knowing) in a pipeline file. Line and column count from 1; 0 when there
// is no place.
struct Problem {
  enum class Severity { Error, Info };
  Severity severity = Severity::Error;
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;
  std::string suggestion;

  std::string text() const;  // "users.yaml:3:5: error: unknown key topcis; did you mean topics?"
};

struct ParsedPipeline {
  std::optional<PipelineSpec> spec;  // only when there is no Error among the problems
  std::vector<Problem> problems;     // in the order of the file
};

// The value of an environment variable, or nothing. Tests give their own.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment process_environment();  // with HOSTNAME also where nobody exports it

// What a broker takes for a member's name; the rule in words, for messages.
bool is_group_instance(std::string_view name);
inline constexpr std::string_view kGroupInstanceRule =
    "a worker's name holds 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-', and is not '.' or '..'";

// Reads one pipeline, reporting every problem and not only the first. ${NAME} and ${NAME:-default}
// inside scalars are replaced from the environment. The SQL of schema and transform is parsed and
// type-checked too. `file` is for messages.
ParsedPipeline parse_pipeline(std::string_view yaml, const std::string& file,
                              const Environment& environment);

// The same for a file on disk. A file that cannot be read is a problem too.
ParsedPipeline read_pipeline(const std::string& path, const Environment& environment);

// "500ms", "10s", "5m", "1 second"; "256MB", "64 KiB", "1048576". An error says what is accepted.
Result<Millis> parse_duration(std::string_view text);
Result<std::size_t> parse_bytes(std::string_view text);

}  // namespace penstock::stream
