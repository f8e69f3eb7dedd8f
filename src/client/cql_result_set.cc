// SPDX-License-Identifier: Apache-2.0
#include "client/cql_result_set.h"

#include "wire/cql/values.h"

namespace penstock::client {
namespace {

using Columns = std::vector<cql::ColumnSpec>;

const std::shared_ptr<const Columns>& no_columns() {
  static const auto none = std::make_shared<const Columns>();
  return none;
}

}  // namespace

Result<ResultSet> ResultSet::read(Bytes body, std::uint8_t version,
                                  std::shared_ptr<const Columns> known,
                                  std::vector<std::string> warnings) {
  ResultSet set;
  set.body_ = std::make_shared<const Bytes>(std::move(body));
  set.columns_ = no_columns();
  set.warnings_ = std::move(warnings);
  cql::ResultResponse result = TRY(cql::decode_result(*set.body_, version));
  if (auto* keyspace = std::get_if<cql::SetKeyspaceResult>(&result)) {
    set.set_keyspace_ = std::move(keyspace->keyspace);
  } else if (auto* change = std::get_if<cql::SchemaChange>(&result)) {
    set.schema_change_ = std::move(*change);
  } else if (auto* rows = std::get_if<cql::RowsResult>(&result)) {
    const auto count = static_cast<std::size_t>(rows->metadata.column_count);
    if (rows->metadata.columns_skipped) {
      if (known == nullptr || known->size() != count) {
        return fail(Code::Corrupt,
                    "rows came without their columns, and {} columns are not what was prepared",
                    count);
      }
      set.columns_ = std::move(known);
    } else {
      set.columns_ = std::make_shared<const Columns>(std::move(rows->metadata.columns));
    }
    set.rows_ = static_cast<std::size_t>(rows->row_count);
    set.paging_state_ = std::move(rows->metadata.paging_state);
    set.new_metadata_id_ = std::move(rows->metadata.new_id);
    cql::Reader cells(rows->cells, version);
    set.cells_.reserve(set.rows_ * count);
    for (std::size_t i = 0; i < set.rows_ * count; ++i) set.cells_.push_back(cells.bytes());
  }
  return set;
}

const Columns& ResultSet::columns() const {
  return columns_ == nullptr ? *no_columns() : *columns_;
}

Result<std::size_t> ResultSet::column(std::string_view name) const {
  for (std::size_t i = 0; i < columns().size(); ++i) {
    if (columns()[i].name == name) return i;
  }
  return fail(Code::NotFound, "the result has no column {}", name);
}

std::string ResultSet::cell_text(std::size_t row, std::size_t column) const {
  return cql::format_value(columns()[column].type, cell(row, column));
}

}  // namespace penstock::client
