// SPDX-License-Identifier: Apache-2.0
#include "stream/cql_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/logging.h"
#include "client/cql_client.h"
#include "stream/cql_text.h"
#include "stream/table_change.h"
#include "stream/table_fit.h"
#include "wire/cql/consistency.h"

namespace penstock::stream {
namespace {

using sql::Type;

constexpr int kNotReadyMax = 20;  // tries of open(), each after up to two seconds

constexpr std::string_view kCheckpoints = "penstock.checkpoints";

// What the rows of one request point to.
struct Kept {
  std::shared_ptr<const Rows> rows;
  Bytes numbers;                   // big-endian values of fixed width
  std::vector<Bytes> checkpoints;  // values of the checkpoint rows
};

std::size_t wire_width(Type type) {
  switch (type) {
    case Type::Boolean:
    case Type::Tinyint:
      return 1;
    case Type::Smallint:
      return 2;
    case Type::Int:
    case Type::Float:
    case Type::Date:
      return 4;
    case Type::Bigint:
    case Type::Double:
    case Type::Timestamp:
      return 8;
    default:
      return 0;  // text and uuid travel as they lie in the column
  }
}

// Appends the value as CQL's wire format has it (protocol spec v4, section 6).
void append_wire(Bytes& to, const sql::Column& column, std::uint32_t row) {
  switch (column.type()) {
    case Type::Float:
      return append_be(to, std::bit_cast<std::int32_t>(static_cast<float>(column.double_at(row))));
    case Type::Double:
      return append_be(to, std::bit_cast<std::int64_t>(column.double_at(row)));
    case Type::Date:  // unsigned days with 1970-01-01 in the middle
      return append_be(to,
                       static_cast<std::uint32_t>(column.int_at(row) + (std::int64_t{1} << 31)));
    default:
      break;
  }
  switch (wire_width(column.type())) {
    case 1:
      return append_be(to, static_cast<std::int8_t>(column.int_at(row)));
    case 2:
      return append_be(to, static_cast<std::int16_t>(column.int_at(row)));
    case 4:
      return append_be(to, static_cast<std::int32_t>(column.int_at(row)));
    default:
      return append_be(to, column.int_at(row));
  }
}

class CqlStore final : public Store {
 public:
  CqlStore(const PipelineSpec& spec, const CassandraSink& sink, const ConnectionSettings& settings,
           net::Loop& loop, Metrics& metrics)
      : pipeline_(spec.name), sink_(sink), settings_(settings), loop_(loop), metrics_(metrics) {}

  Result<std::vector<Type>> open(const sql::Fields& output) override {
    auto types = open_once(output);
    // Workers that start together make the tables together. A server may then show a table that it
    // cannot prepare for yet: the same again, soon.
    if (!types && types.error().code == Code::InvalidArgument && refused_by_server_ &&
        ++not_ready_ <= kNotReadyMax) {
      return fail(Code::Unavailable, "{}", types.error().message);
    }
    return types;
  }

  Result<std::vector<Type>> open_once(const sql::Fields& output) {
    refused_by_server_ = false;
    TRY(connect());
    const std::size_t nodes =
        server_.topology ? std::max<std::size_t>(server_.topology->nodes().size(), 1) : 1;
    if (sink_.create_if_missing)
      TRY(create_keyspace(sink_.keyspace, std::min<std::size_t>(nodes, 3)));
    std::vector<Type> types = TRY(read_table(output));
    refused_by_server_ = true;  // from here on an invalid request is the server's word
    insert_ = TRY_WITH(client_->prepare(insert_cql(sink_, output)), description());
    TRY(open_checkpoints(std::min<std::size_t>(nodes, 3)));
    return types;
  }

  std::vector<std::size_t> key() const override { return key_; }
  std::size_t rows_max() const override {
    constexpr std::size_t kRoomForPositions = 1024;
    const std::size_t max = server_.atomic_batch_statements_max;
    return max == 0 ? std::numeric_limits<std::size_t>::max()
                    : std::max<std::size_t>(max - std::min(max / 2, kRoomForPositions), 1);
  }
  std::size_t bytes_max() const override {
    return server_.atomic_batch_bytes_max == 0 ? std::numeric_limits<std::size_t>::max()
                                               : server_.atomic_batch_bytes_max;
  }
  bool keeps_positions() const override { return checkpoint_ != nullptr; }
  std::string description() const override {
    return fmt::format("{}.{}", sink_.keyspace, sink_.table);
  }

  Result<Positions> positions() override {
    Positions out;
    client::QueryOptions options;
    options.idempotent = true;
    const client::ResultSet found = TRY(client_->execute(read_checkpoint_, {pipeline_}, options));
    for (std::size_t row = 0; row < found.rows(); ++row) {
      const auto number = [&](std::size_t column) {
        const cql::CellValue cell = found.cell(row, column);
        return cell.size() == 8 ? load_be<std::int64_t>(cell.view().data()) : 0;
      };
      const cql::CellValue partition = found.cell(row, 1);
      if (partition.size() != 4) continue;
      out[{std::string(found.cell(row, 0).view()),
           load_be<std::int32_t>(partition.view().data())}] = {number(2), number(3), number(4)};
    }
    return out;
  }

  void write(StoreBatch batch, Function<void(Result<StoreOutcome>)> done) override {
    auto attempt = std::make_shared<Attempt>();
    // A row's own timestamp only rises, whatever the machine's clock does.
    attempt->first_checkpoint = std::max(system_clock().wall_micros(), next_checkpoint_);
    next_checkpoint_ =
        attempt->first_checkpoint + static_cast<std::int64_t>(batch.positions.size());
    attempt->batch = std::move(batch);
    send(std::move(attempt), std::move(done));
  }

 private:
  Result<void> connect() {
    if (!client_) {
      client::CqlConfig config = settings_.cassandra;
      config.contact_points.clear();
      // The datacenter's name and the protocol are those of the configuration's cluster.
      if (!sink_.contact_points.empty()) {
        config.local_dc.clear();
        config.protocol_version.reset();
      }
      const auto& points =
          sink_.contact_points.empty() ? settings_.cassandra_contact_points : sink_.contact_points;
      for (const std::string& point : points) {
        const bool has_port = point.find(':') != std::string::npos;
        config.contact_points.push_back(
            TRY_WITH(net::Address::parse(has_port ? point : point + ":9042"), "contact point"));
      }
      if (config.contact_points.empty())
        return fail(Code::InvalidArgument,
                    "there is no address for cassandra; give cassandra.contact_points");
      if (const auto level = cql::consistency(sink_.consistency)) config.consistency = *level;
      client_ = client::CqlClient::open(config, loop_, metrics_);
    }
    server_ = TRY(client_->wait_ready(std::chrono::seconds(2)));
    return {};
  }

  Result<void> create_keyspace(const std::string& keyspace, std::size_t replicas) {
    const auto found = TRY(client_->query(
        fmt::format("SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = {}",
                    text_literal(keyspace))));
    if (!found.empty()) return {};
    TRY_WITH(client_->query(fmt::format(
                 "CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {{'class': 'SimpleStrategy', "
                 "'replication_factor': {}}}",
                 quoted_name(keyspace), replicas)),
             fmt::format("creating keyspace {}", keyspace));
    log_info("stream", "pipeline {} created keyspace {} with replication_factor {}", pipeline_,
             keyspace, replicas);
    return {};
  }

  // A batch under way. Its checkpoints keep their timestamps: one that was given up and is tried
  // again must not win over what was written since.
  struct Attempt {
    StoreBatch batch;
    std::int64_t first_checkpoint = 0;  // timestamp of the first position, the others follow
    bool looked = false;                // at the table, after a refusal
  };

  void send(std::shared_ptr<Attempt> attempt, Function<void(Result<StoreOutcome>)> done) {
    const StoreBatch& batch = attempt->batch;
    auto kept = std::make_shared<Kept>();
    kept->rows = batch.rows;
    client::WriteBatch out;
    out.statement = insert_;
    out.columns = batch.rows->columns.size();
    fill(batch, *kept, out);
    std::int64_t timestamp = attempt->first_checkpoint;
    for (const auto& [partition, position] : batch.positions)
      add_position(partition, position, timestamp++, *kept, out);
    out.keep_alive = kept;
    client_->write(std::move(out), [this, attempt = std::move(attempt), done = std::move(done)](
                                       Result<client::WriteOutcome> result) mutable {
      if (result) return done(StoreOutcome{result->bytes});
      const Error error = result.error();
      if (error.code != Code::InvalidArgument && error.code != Code::Conflict)
        return done(fail(error));
      look_at_table(std::move(attempt), error, std::move(done));
    });
  }

  // A server refuses a row in the words in which it refuses a table that was dropped or altered. So
  // the table is looked at; and as it may have been made again between the refusal and that look,
  // only what is refused again after it counts. Conflict: the statement cannot be prepared any
  // more, which no row can help. On the client's loop.
  void look_at_table(std::shared_ptr<Attempt> attempt, const Error& refusal,
                     Function<void(Result<StoreOutcome>)> done) {
    client::QueryOptions options;
    options.idempotent = true;
    client_->query(table_columns_cql(sink_), options,
                   [this, attempt = std::move(attempt), refusal,
                    done = std::move(done)](Result<client::ResultSet> found) mutable {
                     if (!found) return done(fail(found.error()));
                     const auto changed =
                         table_change(description(), written_, table_columns(*found));
                     if (changed) return done(fail(*changed));
                     if (!std::exchange(attempt->looked, true))
                       return send(std::move(attempt), std::move(done));
                     if (refusal.code == Code::Conflict)
                       return done(fail(Code::NotFound, "{}", refusal.message));
                     done(fail(refusal));
                   });
  }

  // The types of the table's columns for our output; creates the table when it is missing and that
  // is wanted.
  Result<std::vector<Type>> read_table(const sql::Fields& output) {
    auto columns = TRY(table_columns(*client_, sink_));
    if (columns.empty()) {
      if (!sink_.create_if_missing) {
        return fail(Code::NotFound,
                    "table {} does not exist; create it, or set create_if_missing: true",
                    description());
      }
      TRY_WITH(client_->query(create_table_cql(sink_, output)),
               fmt::format("creating table {}", description()));
      log_info("stream", "pipeline {} created table {}", pipeline_, description());
      columns = TRY(table_columns(*client_, sink_));
    }
    TableFit fit = TRY(fit_to_table(sink_, output, columns));
    key_ = std::move(fit.key);
    written_ = std::move(fit.columns);
    return std::move(fit.types);
  }

  Result<void> open_checkpoints(std::size_t replicas) {
    auto created = create_keyspace("penstock", replicas);
    if (created) {
      auto table = client_->query(
          fmt::format("CREATE TABLE IF NOT EXISTS {} (pipeline text, topic text, "
                      "\"partition\" int, next_offset bigint, "
                      "write_clock bigint, batch_number bigint, updated_at timestamp, "
                      "PRIMARY KEY ((pipeline), topic, \"partition\"))",
                      kCheckpoints));
      if (!table) created = fail(table.error());
    }
    if (!created && created.error().code == Code::Unauthorized) {
      log_warn("stream", "pipeline {} keeps its offsets in the consumer group only: {}", pipeline_,
               created.error().message);
      return {};
    }
    if (!created) return created;
    checkpoint_ =
        TRY_WITH(client_->prepare(fmt::format("INSERT INTO {} (pipeline, topic, \"partition\", "
                                              "next_offset, write_clock, batch_number, updated_at) "
                                              "VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
                                              kCheckpoints)),
                 kCheckpoints);
    read_checkpoint_ = TRY_WITH(
        client_->prepare(fmt::format("SELECT topic, \"partition\", next_offset, "
                                     "write_clock, batch_number FROM {} WHERE pipeline = ?",
                                     kCheckpoints)),
        kCheckpoints);
    return {};
  }

  void fill(const StoreBatch& batch, Kept& kept, client::WriteBatch& out) const {
    const auto& columns = batch.rows->columns;
    std::size_t row_bytes = 0;
    for (const sql::Column& column : columns) row_bytes += wire_width(column.type());
    kept.numbers.reserve(row_bytes *
                         batch.selection.size());  // views point into it: it must not move
    out.cells.reserve(columns.size() * batch.selection.size());
    out.timestamps.reserve(batch.selection.size());
    const cql::CellValue null = sink_.on_null == CassandraSink::OnNull::Null
                                    ? cql::CellValue::null()
                                    : cql::CellValue::unset();
    for (const std::uint32_t row : batch.selection) {
      for (const sql::Column& column : columns) {
        if (!column.has_value(row)) {
          out.cells.push_back(column.state(row) == sql::Cell::Null ? null
                                                                   : cql::CellValue::unset());
        } else if (const std::size_t width = wire_width(column.type()); width == 0) {
          out.cells.emplace_back(column.bytes_at(row));
        } else {
          append_wire(kept.numbers, column, row);
          out.cells.emplace_back(BytesView(kept.numbers).substr(kept.numbers.size() - width));
        }
      }
      out.timestamps.push_back(batch.timestamps[row]);
    }
  }

  void add_position(const client::TopicPartition& partition, const Position& position,
                    std::int64_t timestamp, Kept& kept, client::WriteBatch& out) const {
    const auto number = [](auto value) {
      Bytes bytes;
      append_be(bytes, value);
      return bytes;
    };
    std::vector<Bytes> values{pipeline_,
                              partition.topic,
                              number(partition.partition),
                              number(position.offset),
                              number(position.write_clock),
                              number(position.batch),
                              number(timestamp / 1000),
                              number(timestamp)};
    // The views must survive the moves of a short string: one block for all of them.
    Bytes block;
    for (const Bytes& value : values) block += value;
    block.reserve(std::max<std::size_t>(block.size(), 64));
    kept.checkpoints.push_back(std::move(block));
    client::WriteBatch::Extra extra{checkpoint_, {}};
    BytesView rest = kept.checkpoints.back();
    for (const Bytes& value : values) {
      extra.values.emplace_back(rest.substr(0, value.size()));
      rest.remove_prefix(value.size());
    }
    out.extras.push_back(std::move(extra));
  }

  std::string pipeline_;
  CassandraSink sink_;
  ConnectionSettings settings_;
  net::Loop& loop_;
  Metrics& metrics_;
  client::CqlServerInfo server_;
  bool refused_by_server_ = false;
  int not_ready_ = 0;
  std::vector<std::size_t> key_;
  std::vector<TableColumn> written_;  // as they were when we opened; constant since
  client::PreparedPtr insert_;
  client::PreparedPtr checkpoint_;
  client::PreparedPtr read_checkpoint_;
  std::int64_t next_checkpoint_ = 0;  // timestamp
  // The last: it ends first, and its callbacks use the others.
  std::unique_ptr<client::CqlClient> client_;
};

class NoStore final : public Store {
 public:
  Result<std::vector<Type>> open(const sql::Fields& output) override {
    std::vector<Type> types;
    for (const sql::Field& field : output) types.push_back(field.type);
    return types;
  }
  std::vector<std::size_t> key() const override { return {}; }
  std::size_t rows_max() const override { return std::numeric_limits<std::size_t>::max(); }
  std::size_t bytes_max() const override { return std::numeric_limits<std::size_t>::max(); }
  bool keeps_positions() const override { return false; }
  Result<Positions> positions() override { return Positions{}; }
  void write(StoreBatch, Function<void(Result<StoreOutcome>)> done) override {
    done(StoreOutcome{});
  }
  std::string description() const override { return "console"; }
};

}  // namespace

std::unique_ptr<Store> make_cql_store(const PipelineSpec& spec, const CassandraSink& sink,
                                      const ConnectionSettings& settings, net::Loop& loop,
                                      Metrics& metrics) {
  return std::make_unique<CqlStore>(spec, sink, settings, loop, metrics);
}
std::unique_ptr<Store> make_no_store() {
  return std::make_unique<NoStore>();
}

}  // namespace penstock::stream
