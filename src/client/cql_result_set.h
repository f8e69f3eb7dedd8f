// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/cql/cell_value.h"
#include "wire/cql/responses.h"

namespace penstock::client {

// A statement known to the server, with what it takes and gives. Immutable and shared; when the
// columns of its rows change, the client has another one under the same id.
struct Prepared {
  std::string keyspace;  // in use when it was prepared; empty: none
  std::string text;
  Bytes id;
  std::vector<cql::ColumnSpec> markers;
  std::vector<std::uint16_t>
      partition_key_markers;  // empty on v3, and when a partition key column is no marker
  std::shared_ptr<const std::vector<cql::ColumnSpec>> columns;  // of the rows it gives
  Bytes result_metadata_id;  // of those columns; empty below protocol v5
};
using PreparedPtr = std::shared_ptr<const Prepared>;

// The answer to a statement. Owns its bytes; cells are views into them. Empty for a statement that
// gives no rows.
class ResultSet {
 public:
  ResultSet() = default;
  // `body` is a RESULT body; `known` describes the columns if the answer leaves them out.
  static Result<ResultSet> read(Bytes body, std::uint8_t version,
                                std::shared_ptr<const std::vector<cql::ColumnSpec>> known,
                                std::vector<std::string> warnings = {});

  const std::vector<cql::ColumnSpec>& columns() const;
  std::size_t rows() const { return rows_; }
  bool empty() const { return rows_ == 0; }
  cql::CellValue cell(std::size_t row, std::size_t column) const {
    return cells_[row * columns().size() + column];
  }
  // NotFound if there is no such column.
  Result<std::size_t> column(std::string_view name) const;
  // As cqlsh prints it; "null" when there is none.
  std::string cell_text(std::size_t row, std::size_t column) const;

  // Set when there are more pages: give it back in QueryOptions.
  const std::optional<Bytes>& paging_state() const { return paging_state_; }
  // Set when the columns are others than the server had told before (protocol v5): their id.
  const std::optional<Bytes>& new_metadata_id() const { return new_metadata_id_; }
  std::shared_ptr<const std::vector<cql::ColumnSpec>> shared_columns() const { return columns_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  // What USE and DDL answer.
  const std::optional<std::string>& set_keyspace() const { return set_keyspace_; }
  const std::optional<cql::SchemaChange>& schema_change() const { return schema_change_; }

 private:
  std::shared_ptr<const Bytes> body_;
  std::shared_ptr<const std::vector<cql::ColumnSpec>> columns_;
  std::size_t rows_ = 0;
  std::vector<cql::CellValue> cells_;
  std::optional<Bytes> paging_state_;
  std::optional<Bytes> new_metadata_id_;
  std::vector<std::string> warnings_;
  std::optional<std::string> set_keyspace_;
  std::optional<cql::SchemaChange> schema_change_;
};

}  // namespace penstock::client
