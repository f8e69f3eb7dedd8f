// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "transfer/row_file.h"
#include "transfer/table_reader.h"
#include "transfer/table_transfer.h"

namespace penstock::transfer {
namespace {

constexpr std::size_t kRanges = 64;

std::string cluster_name(const client::CqlClient& cql) {
  const auto topology = cql.server().topology;
  return topology == nullptr ? "" : topology->cluster_name();
}

Result<Manifest> begin(client::CqlClient& cql, const TableName& table,
                       std::vector<Column> columns) {
  TableExport made;
  made.keyspace = table.keyspace;
  made.name = table.table;
  made.definition = definition(columns, TRY(read_table_options(cql, table)));
  made.keyspace_options = TRY(read_keyspace_options(cql, table.keyspace));
  made.columns = std::move(columns);
  made.ranges.resize(kRanges);
  return Manifest{cluster_name(cql), false, std::move(made)};
}

Result<Manifest> begin_or_resume(Disk& disk, client::CqlClient& cql, const TableName& table,
                                 const std::string& dir) {
  std::vector<Column> columns = TRY(read_columns(cql, table));
  if (!has_manifest(disk, dir)) {
    TRY(make_export_dir(disk, dir));
    Manifest fresh = TRY(begin(cql, table, std::move(columns)));
    TRY(write_manifest(disk, dir, fresh));
    return fresh;
  }
  Manifest manifest = TRY(read_manifest(disk, dir));
  const auto* was = std::get_if<TableExport>(&manifest.of);
  if (was == nullptr) return fail(Code::Conflict, "{} holds an export of a topic", dir);
  if (was->keyspace != table.keyspace || was->name != table.table) {
    return fail(Code::Conflict, "{} holds an export of table {}.{}, not of {}", dir, was->keyspace,
                was->name, table.text());
  }
  if (manifest.cluster != cluster_name(cql)) {
    return fail(Code::Conflict, "{} holds an export from cluster {}, and this is cluster {}", dir,
                manifest.cluster, cluster_name(cql));
  }
  if (const auto differs = difference(was->columns, columns)) {
    return fail(Code::Conflict,
                "the columns of {} have changed since the export began ({}); export into an empty "
                "folder",
                table.text(), *differs);
  }
  return manifest;
}

Result<RangeExport> export_range(Disk& disk, TableReader& table, const std::string& path,
                                 std::pair<std::int64_t, std::int64_t> tokens,
                                 const std::function<void(std::size_t)>& at_page) {
  RangeExport range;
  RowWriter file = TRY(RowWriter::open(disk, path));
  TRY(table.read(tokens, [&](const Rows& rows) -> Result<void> {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Row row = rows[i];
      TRY(file.add(row));
      if (const auto bytes = TRY(table.row_bytes().of(row))) range.lasting.add(*bytes);
      range.expiring_cells +=
          static_cast<std::uint64_t>(std::ranges::count_if(row.cells, &Cell::expires));
    }
    range.rows += rows.size();
    at_page(rows.size());
    return {};
  }));
  range.file = TRY(file.finish());
  TRY(disk.sync_dir(path.substr(0, path.rfind('/'))));
  range.complete = true;
  return range;
}

}  // namespace

Result<TableSummary> export_table(Disk& disk, client::CqlClient& cql,
                                  const TableExportOptions& options, const Progress& progress) {
  TRY(check_server(cql.server()));
  const TableName name = TRY(parse_table_name(options.table));
  Manifest manifest = TRY(begin_or_resume(disk, cql, name, options.dir));
  auto& table = std::get<TableExport>(manifest.of);
  TableSummary summary{.table = name.text()};
  if (manifest.complete) progress.note(options.dir + " holds the whole export already");
  TableReader reader = TRY(TableReader::open(cql, name, table.columns));
  for (std::size_t i = 0; i < table.ranges.size(); ++i) {
    RangeExport& range = table.ranges[i];
    if (!range.complete) {
      std::uint64_t here = summary.rows;
      range = TRY(export_range(
          disk, reader, range_path(options.dir, i), range_tokens(i, table.ranges.size()),
          [&](std::size_t rows) { progress.at("rows exported", here += rows, 0); }));
      manifest.complete = i + 1 == table.ranges.size();
      TRY(write_manifest(disk, options.dir, manifest));
      summary.rows_now += range.rows;
    }
    summary.rows += range.rows;
    summary.expiring_cells += range.expiring_cells;
    summary.file_bytes += range.file.bytes;
  }
  return summary;
}

}  // namespace penstock::transfer
