// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "table/row_bytes.h"
#include "table/row_format.h"

namespace penstock::table {

// Appends a row to `to`: begin(), then the cells ascending by column. What the deletion hides must
// not be given.
class RowWriter {
 public:
  explicit RowWriter(Bytes& to) : to_(to) {}

  // `base` is the timestamp that most of the row has: the marker's, else the first cell's, else the
  // deletion's. Merged bytes are canonical because every writer chooses so.
  void begin(std::int64_t base, const std::optional<Marker>& marker, const Deletion& deletion);
  void add(const Cell& cell);

 private:
  Bytes& to_;
  std::size_t head_ = 0;
  row_bytes::Encoder encoder_;
};

}  // namespace penstock::table
