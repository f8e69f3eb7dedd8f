// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/cql_client.h"
#include "transfer/table_rows.h"
#include "transfer/table_schema.h"

namespace penstock::transfer {

// Refuses a server whose ring is not Murmur3's, or whose protocol has no unset values (below v4).
Result<void> check_server(const client::CqlServerInfo& server);

// What the server says of a table. NotFound: there is none.
Result<std::vector<Column>> read_columns(client::CqlClient& cql, const TableName& table);
Result<TableOptions> read_table_options(client::CqlClient& cql, const TableName& table);
Result<std::string> read_keyspace_options(client::CqlClient& cql, const std::string& keyspace);

// Reads stretches of a table, page by page. Blocking; not on a loop.
class TableReader {
 public:
  static Result<TableReader> open(client::CqlClient& cql, const TableName& table,
                                  const std::vector<Column>& columns);

  // Calls `on_page` for each page of the rows whose tokens are above tokens.first and up to
  // tokens.second; its views hold during the call.
  Result<void> read(std::pair<std::int64_t, std::int64_t> tokens,
                    const std::function<Result<void>(const Rows&)>& on_page);
  // The digest of such a stretch; `at_page` hears how many rows each page had.
  Result<Digest> digest(std::pair<std::int64_t, std::int64_t> tokens,
                        const std::function<void(std::size_t)>& at_page);

  RowBytes& row_bytes() { return row_bytes_; }

 private:
  TableReader(client::CqlClient& cql, client::PreparedPtr statement, RowBytes row_bytes, Rows rows)
      : cql_(&cql),
        statement_(std::move(statement)),
        row_bytes_(std::move(row_bytes)),
        rows_(std::move(rows)) {}

  client::CqlClient* cql_;
  client::PreparedPtr statement_;
  RowBytes row_bytes_;
  Rows rows_;
};

}  // namespace penstock::transfer
