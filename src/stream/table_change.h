// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "stream/table_fit.h"

namespace penstock::stream {

// What has become of a table since a pipeline opened it: nothing that matters (more columns do
// not, but in the key); NotFound when it or a column is gone, which may come back; Unsupported when
// a column is another one now, so that our values no longer fit, or the key is.
inline std::optional<Error> table_change(const std::string& table,
                                         const std::vector<TableColumn>& written,
                                         const std::vector<TableColumn>& now) {
  if (now.empty()) {
    return Error{
        Code::NotFound,
        fmt::format("table {} is gone; the pipeline goes on when it is there again (create "
                    "it, or start the pipeline anew)",
                    table)};
  }
  for (const TableColumn& column : written) {
    const auto found = std::find_if(
        now.begin(), now.end(), [&](const TableColumn& each) { return each.name == column.name; });
    if (found == now.end()) {
      return Error{
          Code::NotFound,
          fmt::format("table {} has no column {} any more; the pipeline goes on when it is "
                      "there again, or leave it out with a select step",
                      table, column.name)};
    }
    if (found->type != column.type || found->kind != column.kind) {
      return Error{
          Code::Unsupported,
          fmt::format("column {} of table {} was {} ({}) when the pipeline started and is "
                      "{} ({}) now; start the pipeline anew",
                      column.name, table, column.type, column.kind, found->type, found->kind)};
    }
  }
  for (const TableColumn& column : now) {
    const bool is_written = std::any_of(written.begin(), written.end(),
                                        [&](const auto& each) { return each.name == column.name; });
    if (!is_written && (column.kind == "partition_key" || column.kind == "clustering")) {
      return Error{Code::Unsupported,
                   fmt::format("table {} has column {} in its key, which it had not when the "
                               "pipeline started; start the pipeline anew",
                               table, column.name)};
    }
  }
  return std::nullopt;
}

}  // namespace penstock::stream
