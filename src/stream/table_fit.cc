// SPDX-License-Identifier: Apache-2.0
#include "stream/table_fit.h"

#include <fmt/format.h>

#include <algorithm>

#include "stream/cql_text.h"

namespace penstock::stream {
namespace {

bool in_key(const TableColumn& column) {
  return column.kind == "partition_key" || column.kind == "clustering";
}

}  // namespace

std::string table_columns_cql(const CassandraSink& sink) {
  return fmt::format(
      "SELECT column_name, kind, type FROM system_schema.columns WHERE keyspace_name = {} AND "
      "table_name = {}",
      text_literal(sink.keyspace), text_literal(sink.table));
}

std::vector<TableColumn> table_columns(const client::ResultSet& found) {
  std::vector<TableColumn> columns;
  for (std::size_t row = 0; row < found.rows(); ++row) {
    columns.push_back({std::string(found.cell(row, 0).view()),
                       std::string(found.cell(row, 1).view()),
                       std::string(found.cell(row, 2).view())});
  }
  return columns;
}

Result<std::vector<TableColumn>> table_columns(client::CqlClient& client,
                                               const CassandraSink& sink) {
  return table_columns(TRY(client.query(table_columns_cql(sink))));
}

Result<TableFit> fit_to_table(const CassandraSink& sink, const sql::Fields& output,
                              const std::vector<TableColumn>& columns) {
  const std::string table = sink.keyspace + "." + sink.table;
  std::vector<std::string> names;
  for (const TableColumn& column : columns) names.push_back(column.name);
  TableFit fit;
  for (std::size_t i = 0; i < output.size(); ++i) {
    const auto found = std::ranges::find(columns, output[i].name, &TableColumn::name);
    if (found == columns.end()) {
      const std::string near = sql::nearest(output[i].name, names);
      return fail(
          Code::InvalidArgument,
          "table {} has no column {}{}; add it to the table, or leave it out with a select step",
          table, output[i].name, near.empty() ? "" : fmt::format(" (did you mean {}?)", near));
    }
    const auto type = sql::parse_type(found->type);
    if (!type) {
      return fail(Code::Unsupported,
                  "column {} of table {} is {}, which a pipeline cannot write; it writes {}",
                  found->name, table, found->type, sql::type_names());
    }
    fit.types.push_back(*type);
    fit.columns.push_back(*found);
    if (in_key(*found)) fit.key.push_back(i);
  }
  for (const TableColumn& column : columns) {
    if (!in_key(column) ||
        std::ranges::find(output, column.name, &sql::Field::name) != output.end())
      continue;
    return fail(Code::InvalidArgument,
                "column {} is part of the key of table {}, and the pipeline does not give it",
                column.name, table);
  }
  return fit;
}

}  // namespace penstock::stream
