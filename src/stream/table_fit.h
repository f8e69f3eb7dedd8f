// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/cql_client.h"
#include "sql/field.h"
#include "stream/pipeline.h"

namespace penstock::stream {

// A column of a table as system_schema.columns tells it.
struct TableColumn {
  std::string name;
  std::string kind;  // "partition_key", "clustering", "regular", "static"
  std::string type;  // CQL's name
};

// The question that table_columns() reads the answer of.
std::string table_columns_cql(const CassandraSink& sink);
std::vector<TableColumn> table_columns(const client::ResultSet& found);
// Empty when there is no such table. Blocking; not on a loop.
Result<std::vector<TableColumn>> table_columns(client::CqlClient& client,
                                               const CassandraSink& sink);

// How the output of a pipeline goes into a table: the table's columns for the output's, their
// types, and which of those are its key.
struct TableFit {
  std::vector<TableColumn> columns;
  std::vector<sql::Type> types;
  std::vector<std::size_t> key;
};

// An error names the first column that does not fit, and what to do about it.
Result<TableFit> fit_to_table(const CassandraSink& sink, const sql::Fields& output,
                              const std::vector<TableColumn>& columns);

}  // namespace penstock::stream
