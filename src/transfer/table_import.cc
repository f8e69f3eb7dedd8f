// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/clock.h"
#include "transfer/row_file.h"
#include "transfer/table_reader.h"
#include "transfer/table_transfer.h"

namespace penstock::transfer {
namespace {

// Rows of one request to a store whose batches are atomic; others cut them up by partition.
constexpr std::size_t kWriteRowsMax = 10'000;

// One run of an import, step by step as import_table() has them.
class Import {
 public:
  Import(Disk& disk, client::CqlClient& cql, const TableExport& from, TableName name,
         const TableImportOptions& options, const Progress& progress)
      : disk_(disk),
        cql_(cql),
        from_(from),
        name_(std::move(name)),
        options_(options),
        progress_(progress),
        keys_(keys(from.columns)) {
    for (const RangeExport& each : from_.ranges) total_ += each.rows;
  }

  Result<void> check_files();
  // Whether the table was there, with the same columns.
  Result<bool> open_table();
  // Writes the range unless the target holds it, and compares.
  Result<void> move_range(std::size_t i, bool may_hold_it);

  TableSummary summary{};

 private:
  Rows rows() const { return {keys_, from_.columns.size() - keys_}; }
  Result<Digest> target_digest(std::size_t i, std::string_view doing);
  Result<void> write_range(std::size_t i);
  Result<void> write_rows(const Rows& rows);

  Disk& disk_;
  client::CqlClient& cql_;
  const TableExport& from_;
  TableName name_;
  const TableImportOptions& options_;
  const Progress& progress_;
  std::size_t keys_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  std::optional<TableReader> reader_;
  client::PreparedPtr insert_;
};

// Reads every file to its end before anything is written: a damaged export changes nothing.
Result<void> Import::check_files() {
  RowBytes row_bytes(TRY(key_types(from_.columns)), partition_keys(from_.columns));
  std::uint64_t checked = 0;
  Rows block = rows();
  for (std::size_t i = 0; i < from_.ranges.size(); ++i) {
    const std::string path = range_path(options_.dir, i);
    RowReader file = TRY(RowReader::open(disk_, path, from_.ranges[i].file));
    Digest lasting;
    std::uint64_t rows_here = 0;
    while (TRY(file.next(block))) {
      for (std::size_t row = 0; row < block.size(); ++row) {
        if (const auto bytes = TRY_WITH(row_bytes.of(block[row]), path)) lasting.add(*bytes);
      }
      rows_here += block.size();
      progress_.at("rows checked", checked += block.size(), total_);
    }
    if (rows_here != from_.ranges[i].rows || !(lasting == from_.ranges[i].lasting)) {
      return fail(Code::Corrupt,
                  "{} holds {} rows with checksum {:08x}; the manifest says {}, {:08x}", path,
                  rows_here, lasting.crc, from_.ranges[i].rows, from_.ranges[i].lasting.crc);
    }
  }
  return {};
}

Result<bool> Import::open_table() {
  const auto found = read_columns(cql_, name_);
  if (!found && found.error().code != Code::NotFound) return fail(found.error());
  const bool exists = found.has_value();
  if (exists) {
    if (const auto differs = difference(from_.columns, *found)) {
      return fail(Code::Conflict,
                  "table {} of the target has other columns: {}; import into another (--as "
                  "KEYSPACE.TABLE)",
                  name_.text(), *differs);
    }
  } else {
    const auto keyspace = read_keyspace_options(cql_, name_.keyspace);
    if (!keyspace && keyspace.error().code == Code::NotFound) {
      TRY_WITH(cql_.query(fmt::format("CREATE KEYSPACE IF NOT EXISTS {} WITH {}",
                                      quoted(name_.keyspace), from_.keyspace_options)),
               fmt::format("creating keyspace {} (create it yourself to choose its replication)",
                           name_.keyspace));
    }
    TRY_WITH(cql_.query(
                 fmt::format("CREATE TABLE IF NOT EXISTS {} {}", name_.quoted(), from_.definition)),
             "creating table " + name_.text());
  }
  reader_ = TRY(TableReader::open(cql_, name_, from_.columns));
  insert_ = TRY_WITH(cql_.prepare(insert_row(name_, from_.columns)), "writing " + name_.text());
  return exists;
}

Result<Digest> Import::target_digest(std::size_t i, std::string_view doing) {
  std::uint64_t here = done_;
  return reader_->digest(range_tokens(i, from_.ranges.size()),
                         [&](std::size_t rows) { progress_.at(doing, here += rows, total_); });
}

Result<void> Import::move_range(std::size_t i, bool may_hold_it) {
  const RangeExport& range = from_.ranges[i];
  // What expires is in no digest, so a range that has such cells is written again.
  const bool held = may_hold_it && range.expiring_cells == 0 &&
                    TRY(target_digest(i, "rows imported")) == range.lasting;
  if (!held && range.rows > 0) {
    TRY(write_range(i));
    summary.rows_now += range.rows;
  }
  if (!held) {
    const Digest copy = TRY(target_digest(i, "rows imported"));
    if (!(copy == range.lasting)) {
      const auto [low, high] = range_tokens(i, from_.ranges.size());
      return fail(
          Code::Corrupt,
          "table {}, read back, has {} rows with checksum {:08x} of the tokens {} to {}, and "
          "the export {} with {:08x}; did it hold other or newer rows, or deletions?",
          name_.text(), copy.count, copy.crc, low, high, range.lasting.count, range.lasting.crc);
    }
  }
  done_ += range.rows;
  summary.rows += range.rows;
  summary.expiring_cells += range.expiring_cells;
  summary.file_bytes += range.file.bytes;
  return {};
}

Result<void> Import::write_range(std::size_t i) {
  RowReader file = TRY(RowReader::open(disk_, range_path(options_.dir, i), from_.ranges[i].file));
  Rows block = rows();
  while (TRY(file.next(block))) TRY(write_rows(block));
  return {};
}

Result<void> Import::write_rows(const Rows& rows) {
  const std::int64_t now_seconds = system_clock().wall_micros() / 1'000'000;
  std::deque<Bytes> ttls;  // what the cells below point to
  client::WriteBatch batch;
  std::size_t bytes = 0;
  const auto fresh = [&] {
    batch = {};
    batch.statement = insert_;
    batch.columns = from_.columns.size() + 1;
    bytes = 0;
  };
  const auto send = [&]() -> Result<void> {
    if (batch.rows() > 0) TRY_WITH(cql_.write(std::move(batch)), "writing " + name_.text());
    fresh();
    return {};
  };
  fresh();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row row = rows[i];
    for (const Insert& insert : inserts_of(row, now_seconds, summary.expired_cells)) {
      std::size_t row_bytes = 0;
      for (const cql::CellValue& key : row.keys) row_bytes += key.size();
      for (const std::size_t column : insert.columns) row_bytes += row.cells[column].value.size();
      const std::size_t rows_max =
          cql_.atomic_rows_max((bytes + row_bytes) / (batch.rows() + 1) + 8 * batch.columns);
      if (batch.rows() >= std::min(kWriteRowsMax, rows_max)) TRY(send());
      bytes += row_bytes;
      batch.cells.insert(batch.cells.end(), row.keys.begin(), row.keys.end());
      const std::size_t first = batch.cells.size();
      batch.cells.resize(first + row.cells.size(), cql::CellValue::unset());
      for (const std::size_t column : insert.columns)
        batch.cells[first + column] = row.cells[column].value;
      append_be(ttls.emplace_back(), insert.ttl_seconds);
      batch.cells.emplace_back(ttls.back());
      batch.timestamps.push_back(insert.writetime_micros);
    }
  }
  return send();
}

}  // namespace

Result<TableSummary> import_table(Disk& disk, client::CqlClient& cql, const Manifest& manifest,
                                  const TableImportOptions& options, const Progress& progress) {
  if (!manifest.complete) {
    return fail(Code::InvalidArgument,
                "the export in {} is not finished; run penstock export again to go on",
                options.dir);
  }
  TRY(check_server(cql.server()));
  const auto& from = std::get<TableExport>(manifest.of);
  TableName name{from.keyspace, from.name};
  if (!options.as.empty()) name = TRY(parse_table_name(options.as));
  Import import(disk, cql, from, name, options, progress);
  import.summary.table = name.text();
  TRY(import.check_files());
  const bool existed = TRY(import.open_table());
  for (std::size_t i = 0; i < from.ranges.size(); ++i) TRY(import.move_range(i, existed));
  return import.summary;
}

}  // namespace penstock::transfer
