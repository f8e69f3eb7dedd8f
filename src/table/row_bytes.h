// SPDX-License-Identifier: Apache-2.0
// The bytes of a row and how they are written (docs/formats/table-keys.md); row_format.cc reads
// them. For files of this room that encode rows: plain pointers, because a batch of 50,000 rows has
// half a million cells.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "table/row_format.h"

namespace penstock::table::row_bytes {

// Head: flags (1), base timestamp (8), then what the flags say.
constexpr unsigned kMarker = 1;         // the row exists since the base timestamp
constexpr unsigned kMarkerExpires = 2;  // + ttl, expiry
constexpr unsigned kDeletion = 4;       // + timestamp - base, wall clock
constexpr unsigned kMortal = 8;         // some cell is deleted or expires: compaction has to look
constexpr unsigned kKnownFlags = 15;
constexpr unsigned kAnyMortal = kMarkerExpires | kDeletion | kMortal;

// Cell: header = (column - last column - 1) << 4 | flags, then what the flags say, then the value
// with its length.
constexpr unsigned kCellFlagBits = 4;
constexpr unsigned kCellFlags = 15;
constexpr unsigned kDeleted = 1;       // + wall clock; no value
constexpr unsigned kExpiring = 2;      // as the marker does, or:
constexpr unsigned kOwnExpiry = 4;     // + ttl, expiry (together with kExpiring)
constexpr unsigned kOwnTimestamp = 8;  // + timestamp - base

constexpr std::uint64_t kTtlMax = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kHeadBytes = 9;
constexpr std::size_t kHeadBytesMax = kHeadBytes + 4 * 10;
constexpr std::size_t kCellHeadBytesMax = 5 * 10;  // all before the value

// Timestamps are the client's: any 64 bits. Differences wrap, and so come back.
inline std::int64_t wrap_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
inline std::int64_t wrap_subtract(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

inline char* put_varint(char* to, std::uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

inline char* put_signed(char* to, std::int64_t value) {
  return put_varint(
      to, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

// Writes one row into room that the caller has made: the head, then cells ascending by column.
class Encoder {
 public:
  Encoder() = default;
  Encoder(std::int64_t base, const std::optional<Marker>& marker)
      : base_(base), marker_(marker.value_or(Marker{})), has_marker_(marker) {}

  // At most kHeadBytesMax bytes; gives the end.
  char* head(char* to, const Deletion& deletion) const {
    unsigned flags = has_marker_ ? kMarker : 0;
    if (marker_.ttl_seconds != 0) flags |= kMarkerExpires;
    if (!deletion.none()) flags |= kDeletion;
    *to = static_cast<char>(flags);
    store_be(to + 1, base_);
    to += kHeadBytes;
    if (flags & kMarkerExpires) {
      to = put_varint(to, static_cast<std::uint32_t>(marker_.ttl_seconds));
      to = put_signed(to, marker_.expires_seconds);
    }
    if (flags & kDeletion) {
      to = put_signed(to, wrap_subtract(deletion.timestamp, base_));
      to = put_signed(to, deletion.at_seconds);
    }
    return to;
  }

  // At most kCellHeadBytesMax bytes; gives the end, where the value goes (a deleted cell has none).
  char* cell_head(char* to, const Cell& cell) {
    unsigned flags = cell.deleted ? kDeleted : 0;
    if (!cell.deleted && cell.ttl_seconds != 0) {
      flags |= kExpiring;
      const bool as_marker =
          cell.ttl_seconds == marker_.ttl_seconds && cell.ends_seconds == marker_.expires_seconds;
      if (!as_marker) flags |= kOwnExpiry;
    }
    if (cell.timestamp != base_) flags |= kOwnTimestamp;
    to = put_varint(to,
                    static_cast<std::uint64_t>(cell.column - column_ - 1) << kCellFlagBits | flags);
    column_ = cell.column;
    if (flags & kOwnTimestamp) to = put_signed(to, wrap_subtract(cell.timestamp, base_));
    if (flags & kDeleted) return put_signed(to, cell.ends_seconds);
    if (flags & kOwnExpiry) {
      to = put_varint(to, static_cast<std::uint32_t>(cell.ttl_seconds));
      to = put_signed(to, cell.ends_seconds);
    }
    return put_varint(to, cell.value.size());
  }

 private:
  std::int64_t base_ = 0;
  Marker marker_;
  bool has_marker_ = false;
  std::int32_t column_ = -1;
};

}  // namespace penstock::table::row_bytes
