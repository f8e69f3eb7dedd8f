// SPDX-License-Identifier: Apache-2.0
#include "table/row_format.h"

#include <tuple>
#include <vector>

#include "table/row_bytes.h"
#include "table/row_writer.h"

namespace penstock::table {
namespace {

// Which side of a tie wins when both timestamps are equal: pure deletion over expiring over plain.
int rank(const Cell& cell) {
  if (cell.deleted) return 2;
  return cell.ttl_seconds != 0 ? 1 : 0;
}

// One of the rows being merged, and the cell it stands at.
struct Input {
  explicit Input(BytesView bytes) : reader(bytes) { advance(); }
  void advance() { has_cell = reader.next(cell); }

  RowReader reader;
  Cell cell;
  bool has_cell = false;
};

Deletion latest_deletion(std::span<const Input> inputs) {
  Deletion latest;
  for (const Input& input : inputs) latest = std::max(latest, input.reader.deletion());
  return latest;
}

std::optional<Marker> winning_marker(std::span<const Input> inputs, const Deletion& deletion) {
  std::optional<Marker> winner;
  for (const Input& input : inputs) {
    const std::optional<Marker>& marker = input.reader.marker();
    if (!marker || deletion.hides(marker->timestamp)) continue;
    if (!winner || supersedes(*marker, *winner)) winner = marker;
  }
  return winner;
}

// Takes the cells of the smallest column off the inputs and gives the winner. False when no cell is
// left.
bool next_winner(std::span<Input> inputs, Cell& winner) {
  int column = -1;
  for (const Input& input : inputs) {
    if (input.has_cell && (column < 0 || input.cell.column < column)) column = input.cell.column;
  }
  if (column < 0) return false;
  bool first = true;
  for (Input& input : inputs) {
    if (!input.has_cell || input.cell.column != column) continue;
    if (first || supersedes(input.cell, winner)) winner = input.cell;
    first = false;
    input.advance();
  }
  return true;
}

}  // namespace

bool supersedes(const Marker& a, const Marker& b) {
  const auto order = [](const Marker& m) {
    return std::tuple(m.timestamp, m.ttl_seconds != 0, m.expires_seconds, m.ttl_seconds);
  };
  return order(a) > order(b);
}

bool supersedes(const Cell& a, const Cell& b) {
  if (a.timestamp != b.timestamp) return a.timestamp > b.timestamp;
  if (rank(a) != rank(b)) return rank(a) > rank(b);
  if (a.ends_seconds != b.ends_seconds) return a.ends_seconds > b.ends_seconds;
  if (a.value != b.value) return a.value > b.value;
  return a.ttl_seconds < b.ttl_seconds;  // the same end with the shorter life was written later
}

RowReader::RowReader(BytesView bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {
  if (bytes.size() < row_bytes::kHeadBytes) {
    corrupt_ = true;
    return;
  }
  const auto flags = static_cast<unsigned char>(*at_);
  base_ = load_be<std::int64_t>(at_ + 1);
  at_ += row_bytes::kHeadBytes;
  corrupt_ = (flags & ~row_bytes::kKnownFlags) != 0;
  if (flags & row_bytes::kMarker) marker_ = Marker{.timestamp = base_};
  if (flags & row_bytes::kMarkerExpires) {
    std::uint64_t ttl = 0;
    std::int64_t expires = 0;
    corrupt_ |=
        !marker_ || !varint(ttl) || !signed_varint(expires) || ttl == 0 || ttl > row_bytes::kTtlMax;
    if (corrupt_) return;
    marker_->ttl_seconds = static_cast<std::int32_t>(ttl);
    marker_->expires_seconds = expires;
  }
  if (flags & row_bytes::kDeletion) {
    std::int64_t delta = 0;
    corrupt_ |= !signed_varint(delta) || !signed_varint(deletion_.at_seconds);
    deletion_.timestamp = row_bytes::wrap_add(base_, delta);
  }
}

bool RowReader::varint(std::uint64_t& value) {
  value = 0;
  for (int shift = 0; at_ != end_ && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at_++);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool RowReader::signed_varint(std::int64_t& value) {
  std::uint64_t zigzag = 0;
  if (!varint(zigzag)) return false;
  value = static_cast<std::int64_t>(zigzag >> 1) ^ -static_cast<std::int64_t>(zigzag & 1);
  return true;
}

bool RowReader::next(Cell& cell) {
  if (corrupt_ || at_ == end_) return false;
  corrupt_ = true;  // until the whole cell has been read
  std::uint64_t header = 0;
  if (!varint(header)) return false;
  const auto flags = header & row_bytes::kCellFlags;
  const std::uint64_t step = header >> row_bytes::kCellFlagBits;
  if (step > 0xffff || column_ + 1 + static_cast<std::int64_t>(step) > 0xffff) return false;
  column_ += 1 + static_cast<std::int32_t>(step);

  cell = Cell{.column = static_cast<std::uint16_t>(column_),
              .deleted = (flags & row_bytes::kDeleted) != 0,
              .timestamp = base_};
  if (flags & row_bytes::kOwnTimestamp) {
    std::int64_t delta = 0;
    if (!signed_varint(delta)) return false;
    cell.timestamp = row_bytes::wrap_add(base_, delta);
  }
  if (cell.deleted) {
    if (flags & row_bytes::kExpiring || !signed_varint(cell.ends_seconds)) return false;
    corrupt_ = false;
    return true;
  }
  if (flags & row_bytes::kOwnExpiry) {
    std::uint64_t ttl = 0;
    if (!varint(ttl) || ttl == 0 || ttl > row_bytes::kTtlMax || !signed_varint(cell.ends_seconds))
      return false;
    cell.ttl_seconds = static_cast<std::int32_t>(ttl);
  } else if (flags & row_bytes::kExpiring) {
    if (!marker_ || marker_->ttl_seconds == 0) return false;
    cell.ttl_seconds = marker_->ttl_seconds;
    cell.ends_seconds = marker_->expires_seconds;
  }
  std::uint64_t size = 0;
  if (!varint(size) || size > static_cast<std::uint64_t>(end_ - at_)) return false;
  cell.value = {at_, static_cast<std::size_t>(size)};
  at_ += size;
  corrupt_ = false;
  return true;
}

void RowWriter::begin(std::int64_t base, const std::optional<Marker>& marker,
                      const Deletion& deletion) {
  head_ = to_.size();
  encoder_ = row_bytes::Encoder(base, marker);
  char raw[row_bytes::kHeadBytesMax];
  to_.append(raw, static_cast<std::size_t>(encoder_.head(raw, deletion) - raw));
}

void RowWriter::add(const Cell& cell) {
  char raw[row_bytes::kCellHeadBytesMax];
  to_.append(raw, static_cast<std::size_t>(encoder_.cell_head(raw, cell) - raw));
  if (!cell.deleted) to_.append(cell.value);
  if (cell.deleted || cell.ttl_seconds != 0)
    to_[head_] = static_cast<char>(to_[head_] | row_bytes::kMortal);
}

Result<void> merge_rows(std::span<const BytesView> rows, Bytes& to) {
  std::vector<Input> inputs;
  inputs.reserve(rows.size());
  for (const BytesView row : rows) inputs.emplace_back(row);

  const Deletion deletion = latest_deletion(inputs);
  const std::optional<Marker> marker = winning_marker(inputs, deletion);
  RowWriter writer(to);
  bool begun = false;
  if (marker) {
    writer.begin(marker->timestamp, marker, deletion);
    begun = true;
  }
  for (Cell cell; next_winner(inputs, cell);) {
    if (deletion.hides(cell.timestamp)) continue;
    if (!begun) writer.begin(cell.timestamp, marker, deletion);
    begun = true;
    writer.add(cell);
  }
  if (!begun) writer.begin(deletion.none() ? 0 : deletion.timestamp, marker, deletion);

  for (const Input& input : inputs) {
    if (input.reader.corrupt()) return fail(Code::Corrupt, "a stored row is not in the row format");
  }
  return {};
}

bool valid_row(BytesView bytes) {
  RowReader reader(bytes);
  for (Cell cell; reader.next(cell);) {
  }
  return !reader.corrupt();
}

bool mortal_row(BytesView bytes) {
  return !bytes.empty() && (static_cast<unsigned char>(bytes.front()) & row_bytes::kAnyMortal) != 0;
}

}  // namespace penstock::table
