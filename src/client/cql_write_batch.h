// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "client/cql_result_set.h"
#include "wire/cql/cell_value.h"

namespace penstock::client {

// Many rows of one prepared statement, and statements that must not be done before them (a
// checkpoint). What it means on the wire depends on the server, see CqlClient::write().
//
// Holds views only: `keep_alive` owns what they point to until the write is done.
struct WriteBatch {
  struct Extra {
    PreparedPtr statement;
    std::vector<cql::CellValue> values;
  };

  PreparedPtr statement;
  std::size_t columns = 0;            // cells of one row
  std::vector<cql::CellValue> cells;  // row after row
  // One a row, microseconds: bound to the statement's last marker (`USING TIMESTAMP ?`), after the
  // row's cells. Empty: the statement has no such marker, and `timestamp_micros` holds for all.
  std::vector<std::int64_t> timestamps;
  std::optional<std::int64_t> timestamp_micros;  // none: the client's clock
  std::vector<Extra> extras;                     // after the rows, or together with them
  std::shared_ptr<const void> keep_alive;

  std::size_t rows() const { return columns == 0 ? 0 : cells.size() / columns; }
  std::span<const cql::CellValue> row(std::size_t i) const {
    return std::span(cells).subspan(i * columns, columns);
  }
};

struct WriteOutcome {
  std::size_t rows = 0;
  std::size_t requests = 0;
  std::size_t bytes = 0;  // of request frames
  bool atomic = false;    // all of it became visible, and durable, at once
};

// Frames for the wire, with stream 0 in the header (bytes 2-3); the connection patches its own in.
// All pure.
//
// One BATCH of rows [begin, end) and then, if told, the extras. About 110-180 ns a row of 11 short
// texts.
Bytes encode_batch(const WriteBatch& batch, std::size_t begin, std::size_t end, bool with_extras,
                   cql::Consistency consistency, std::int64_t timestamp_micros,
                   std::uint8_t version, bool logged);
// The length that encode_batch() will give, header included.
std::size_t batch_bytes(const WriteBatch& batch, std::size_t begin, std::size_t end,
                        bool with_extras, std::uint8_t version);
// One EXECUTE of row `row`.
Bytes encode_row(const WriteBatch& batch, std::size_t row, cql::Consistency consistency,
                 std::int64_t timestamp_micros, std::uint8_t version);

// Row numbers in the order of sending, cut into requests: neighbours in a group belong to one
// partition and make one unlogged BATCH of at most `bytes_max`; the groups keep the rows'
// first-seen order, rows in a group keep theirs.
struct WriteGroups {
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> ends;  // of each group, in `rows`
};
WriteGroups group_by_partition(const WriteBatch& batch, std::size_t bytes_max);

}  // namespace penstock::client
