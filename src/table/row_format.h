// SPDX-License-Identifier: Apache-2.0
// A row as bytes: both the value that is stored and the change that is merged into it, for these
// are the same thing. The layout is in docs/formats/table-keys.md.
//
// merge_rows() is associative, commutative and idempotent, byte for byte: the same set of writes
// gives the same bytes in whatever order and however often they come. That is what lets writes be
// blind and batches be ingested in any order.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::table {

// A deletion of a row, a range or a partition: hides everything written at its timestamp or before.
struct Deletion {
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();
  std::int64_t timestamp = kNone;  // micros
  std::int64_t at_seconds = 0;     // wall clock of the server; gc_grace counts from here

  bool hides(std::int64_t written) const { return written <= timestamp; }
  bool none() const { return timestamp == kNone; }
  friend auto operator<=>(const Deletion&, const Deletion&) = default;
};

// That the row exists, cells or not.
struct Marker {
  std::int64_t timestamp = 0;
  std::int32_t ttl_seconds = 0;  // 0 = none
  std::int64_t expires_seconds = 0;

  bool live(std::int64_t now_seconds) const {
    return ttl_seconds == 0 || expires_seconds > now_seconds;
  }
  friend bool operator==(const Marker&, const Marker&) = default;
};

struct Cell {
  std::uint16_t column = 0;
  bool deleted = false;
  std::int32_t ttl_seconds = 0;  // 0 = none
  std::int64_t timestamp = 0;
  std::int64_t ends_seconds = 0;  // when it was deleted or will expire
  BytesView value{};

  bool live(std::int64_t now_seconds) const {
    return !deleted && (ttl_seconds == 0 || ends_seconds > now_seconds);
  }
  friend bool operator==(const Cell&, const Cell&) = default;
};

// Which of two writes to one place wins (research: Cassandra's rules; ties never depend on the
// clock).
bool supersedes(const Marker& a, const Marker& b);
bool supersedes(const Cell& a, const Cell& b);

// Reads a row from its bytes: the head at once, the cells one by one. Never reads outside `bytes`.
class RowReader {
 public:
  explicit RowReader(BytesView bytes);

  const std::optional<Marker>& marker() const { return marker_; }
  const Deletion& deletion() const { return deletion_; }
  // Fills `cell` with the next one, ascending by column. False at the end and when the bytes are
  // broken.
  bool next(Cell& cell);
  bool corrupt() const { return corrupt_; }

 private:
  bool varint(std::uint64_t& value);
  bool signed_varint(std::int64_t& value);

  const char* at_;
  const char* end_;
  std::int64_t base_ = 0;
  std::int32_t column_ = -1;
  bool corrupt_ = false;
  std::optional<Marker> marker_;
  Deletion deletion_;
};

// Appends the merge of the rows to `to`. Corrupt if one of them is.
Result<void> merge_rows(std::span<const BytesView> rows, Bytes& to);

// Whether the bytes are a row from head to end.
bool valid_row(BytesView bytes);
// Whether something in the row is deleted or will expire. Looks at the head only.
bool mortal_row(BytesView bytes);

}  // namespace penstock::table
