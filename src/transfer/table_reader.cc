// SPDX-License-Identifier: Apache-2.0
#include "transfer/table_reader.h"

#include <fmt/format.h>

#include <map>

#include "base/clock.h"
#include "wire/cql/collection.h"

namespace penstock::transfer {
namespace {

constexpr std::int32_t kPageRows = 5000;

Result<client::ResultSet> ask(client::CqlClient& cql, const std::string& text) {
  return cql.query(text, {.idempotent = true});
}

std::string where_table(const TableName& table) {
  return fmt::format("WHERE keyspace_name = {} AND table_name = {}", text_literal(table.keyspace),
                     text_literal(table.table));
}

std::int32_t number(const cql::CellValue& cell, std::int32_t otherwise) {
  return cell.size() == 4 ? load_be<std::int32_t>(cell.view().data()) : otherwise;
}

// The time of the answer stands for the time of the question: expiry is whole seconds.
Result<Cell> to_cell(const client::ResultSet& page, std::size_t row, std::size_t column,
                     std::int64_t now_seconds) {
  Cell cell{page.cell(row, column)};
  if (cell.value.absent()) return cell;
  const cql::CellValue written = page.cell(row, column + 1);
  if (written.size() != 8)
    return fail(Code::Corrupt, "the server gives no write time of column {}",
                page.columns()[column].name);
  cell.writetime_micros = load_be<std::int64_t>(written.view().data());
  if (const cql::CellValue ttl = page.cell(row, column + 2); ttl.size() == 4)
    cell.expires_seconds = now_seconds + load_be<std::int32_t>(ttl.view().data());
  return cell;
}

}  // namespace

Result<void> check_server(const client::CqlServerInfo& server) {
  if (server.protocol_version < 4) {
    return fail(Code::Unsupported, "the server speaks CQL's protocol {}; moving tables needs 4",
                server.protocol_version);
  }
  const std::string ring = server.topology == nullptr ? "" : server.topology->partitioner();
  if (!ring.empty() && !ring.ends_with("Murmur3Partitioner"))
    return fail(Code::Unsupported,
                "the server's partitioner is {}; only Murmur3Partitioner is known", ring);
  return {};
}

Result<std::vector<Column>> read_columns(client::CqlClient& cql, const TableName& table) {
  const auto found = TRY_WITH(ask(cql,
                                  "SELECT column_name, type, kind, position, clustering_order FROM "
                                  "system_schema.columns " +
                                      where_table(table)),
                              "reading the columns of " + table.text());
  std::vector<SchemaColumn> rows;
  for (std::size_t i = 0; i < found.rows(); ++i) {
    const auto text = [&](std::size_t column) { return std::string(found.cell(i, column).view()); };
    rows.push_back({text(0), text(1), text(2), number(found.cell(i, 3), -1), text(4)});
  }
  return to_columns(table, std::move(rows));
}

Result<TableOptions> read_table_options(client::CqlClient& cql, const TableName& table) {
  const auto found = TRY_WITH(ask(cql,
                                  "SELECT default_time_to_live, gc_grace_seconds, comment FROM "
                                  "system_schema.tables " +
                                      where_table(table)),
                              "reading the options of " + table.text());
  TableOptions options;
  if (found.empty()) return options;
  options.default_time_to_live = number(found.cell(0, 0), options.default_time_to_live);
  options.gc_grace_seconds = number(found.cell(0, 1), options.gc_grace_seconds);
  options.comment = found.cell(0, 2).view();
  return options;
}

Result<std::string> read_keyspace_options(client::CqlClient& cql, const std::string& keyspace) {
  const auto found = TRY_WITH(
      ask(cql, fmt::format("SELECT replication, durable_writes FROM system_schema.keyspaces WHERE "
                           "keyspace_name = {}",
                           text_literal(keyspace))),
      "reading keyspace " + keyspace);
  if (found.empty()) return fail(Code::NotFound, "keyspace {} does not exist", keyspace);
  std::map<std::string, std::string> replication;
  std::optional<std::string> name;
  const bool whole = cql::each_element(found.columns()[0].type, found.cell(0, 0).view(),
                                       [&](const cql::TypeRef&, const cql::CellValue& element) {
                                         if (name)
                                           replication[*std::exchange(name, std::nullopt)] =
                                               element.view();
                                         else
                                           name = element.view();
                                         return true;
                                       });
  if (!whole) return fail(Code::Corrupt, "the replication of keyspace {} is no map", keyspace);
  const BytesView durable = found.cell(0, 1).view();
  return keyspace_options(replication, durable.empty() || durable[0] != 0);
}

Result<TableReader> TableReader::open(client::CqlClient& cql, const TableName& table,
                                      const std::vector<Column>& columns) {
  auto statement = TRY_WITH(cql.prepare(select_range(table, columns)), "reading " + table.text());
  const std::size_t key = keys(columns);
  return TableReader(cql, std::move(statement),
                     RowBytes(TRY(key_types(columns)), partition_keys(columns)),
                     Rows(key, columns.size() - key));
}

Result<void> TableReader::read(std::pair<std::int64_t, std::int64_t> tokens,
                               const std::function<Result<void>(const Rows&)>& on_page) {
  Bytes low;
  Bytes high;
  append_be(low, tokens.first);
  append_be(high, tokens.second);
  client::QueryOptions options{.page_size = kPageRows, .idempotent = true};
  do {
    const client::ResultSet page =
        TRY(cql_->execute(statement_, {cql::CellValue(low), cql::CellValue(high)}, options));
    const std::int64_t now_seconds = system_clock().wall_micros() / 1'000'000;
    rows_.clear();
    for (std::size_t row = 0; row < page.rows(); ++row) {
      for (std::size_t i = 0; i < rows_.keys(); ++i) rows_.add_key(page.cell(row, i));
      for (std::size_t i = 0; i < rows_.cells(); ++i)
        rows_.add_cell(TRY(to_cell(page, row, rows_.keys() + 3 * i, now_seconds)));
    }
    TRY(on_page(rows_));
    options.paging_state = page.paging_state();
  } while (options.paging_state);
  return {};
}

Result<Digest> TableReader::digest(std::pair<std::int64_t, std::int64_t> tokens,
                                   const std::function<void(std::size_t)>& at_page) {
  Digest digest;
  TRY(read(tokens, [&](const Rows& rows) -> Result<void> {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (const auto bytes = TRY(row_bytes_.of(rows[i]))) digest.add(*bytes);
    }
    at_page(rows.size());
    return {};
  }));
  return digest;
}

}  // namespace penstock::transfer
