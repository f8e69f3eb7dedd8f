// SPDX-License-Identifier: Apache-2.0
#include "client/cql_write_batch.h"

#include <cstring>
#include <unordered_map>

#include "base/check.h"
#include "wire/cql/frame.h"
#include "wire/cql/requests.h"

namespace penstock::client {
namespace {

constexpr std::size_t kStatementsMax = 65'535;
constexpr std::uint8_t kValuesFlag = 0x01;
constexpr std::uint8_t kTimestampFlag = 0x20;
constexpr std::size_t kTimestampCell = 4 + 8;

// Writes into a buffer whose size was counted before: no growth, no checks a value.
class Cursor {
 public:
  explicit Cursor(char* at) : at_(at) {}
  void u8(std::uint8_t value) { *at_++ = static_cast<char>(value); }
  template <class T>
  void be(T value) {
    store_be(at_, value);
    at_ += sizeof value;
  }
  void raw(BytesView bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void short_bytes(BytesView bytes) {
    be(static_cast<std::uint16_t>(bytes.size()));
    raw(bytes);
  }
  void cell(const cql::CellValue& value) {
    be(value.wire_length());
    raw(value.view());
  }
  const char* at() const { return at_; }

 private:
  char* at_;
};

std::size_t cells_bytes(std::span<const cql::CellValue> cells) {
  std::size_t bytes = 4 * cells.size();
  for (const cql::CellValue& cell : cells) bytes += cell.size();
  return bytes;
}

std::uint16_t values_of_row(const WriteBatch& batch) {
  return static_cast<std::uint16_t>(batch.columns + (batch.timestamps.empty() ? 0 : 1));
}

void write_row(Cursor& to, const WriteBatch& batch, std::size_t row) {
  to.be(values_of_row(batch));
  for (const cql::CellValue& cell : batch.row(row)) to.cell(cell);
  if (batch.timestamps.empty()) return;
  to.be(std::int32_t{8});
  to.be(batch.timestamps[row]);
}

void write_header(Cursor& to, std::uint8_t version, cql::Opcode opcode, std::size_t frame_bytes) {
  to.u8(version);
  to.u8(0);
  to.be(std::int16_t{0});
  to.u8(static_cast<std::uint8_t>(opcode));
  to.be(static_cast<std::uint32_t>(frame_bytes - cql::kHeaderBytes));
}

constexpr std::size_t flags_bytes(std::uint8_t version) {
  return version >= 5 ? 4 : 1;
}
void write_flags(Cursor& to, std::uint8_t flags, std::uint8_t version) {
  if (version >= 5) return to.be(std::int32_t{flags});
  to.u8(flags);
}

// header, type, count | rows, extras | consistency, flags, timestamp
constexpr std::size_t batch_around(std::uint8_t version) {
  return cql::kHeaderBytes + 1 + 2 + 2 + flags_bytes(version) + 8;
}
std::size_t statement_around(const Prepared& statement) {
  return 1 + 2 + statement.id.size() + 2;
}

}  // namespace

std::size_t batch_bytes(const WriteBatch& batch, std::size_t begin, std::size_t end,
                        bool with_extras, std::uint8_t version) {
  const std::size_t rows = end - begin;
  std::size_t bytes = batch_around(version);
  if (rows > 0) {
    bytes += rows *
             (statement_around(*batch.statement) + (batch.timestamps.empty() ? 0 : kTimestampCell));
    bytes +=
        cells_bytes(std::span(batch.cells).subspan(begin * batch.columns, rows * batch.columns));
  }
  if (!with_extras) return bytes;
  for (const WriteBatch::Extra& extra : batch.extras)
    bytes += statement_around(*extra.statement) + cells_bytes(extra.values);
  return bytes;
}

Bytes encode_batch(const WriteBatch& batch, std::size_t begin, std::size_t end, bool with_extras,
                   cql::Consistency consistency, std::int64_t timestamp_micros,
                   std::uint8_t version, bool logged) {
  const std::size_t statements = end - begin + (with_extras ? batch.extras.size() : 0);
  CHECK(statements <= kStatementsMax, "a BATCH counts its statements in 16 bits");
  Bytes frame(batch_bytes(batch, begin, end, with_extras, version), '\0');
  Cursor to(frame.data());
  write_header(to, version, cql::Opcode::Batch, frame.size());
  to.u8(static_cast<std::uint8_t>(logged ? cql::BatchType::Logged : cql::BatchType::Unlogged));
  to.be(static_cast<std::uint16_t>(statements));
  for (std::size_t row = begin; row < end; ++row) {
    to.u8(1);
    to.short_bytes(batch.statement->id);
    write_row(to, batch, row);
  }
  for (std::size_t i = 0; with_extras && i < batch.extras.size(); ++i) {
    const WriteBatch::Extra& extra = batch.extras[i];
    to.u8(1);
    to.short_bytes(extra.statement->id);
    to.be(static_cast<std::uint16_t>(extra.values.size()));
    for (const cql::CellValue& cell : extra.values) to.cell(cell);
  }
  to.be(static_cast<std::uint16_t>(consistency));
  write_flags(to, kTimestampFlag, version);
  to.be(timestamp_micros);
  CHECK(to.at() == frame.data() + frame.size(), "a frame was counted wrongly");
  return frame;
}

Bytes encode_row(const WriteBatch& batch, std::size_t row, cql::Consistency consistency,
                 std::int64_t timestamp_micros, std::uint8_t version) {
  const Prepared& statement = *batch.statement;
  const std::size_t bytes = cql::kHeaderBytes + 2 + statement.id.size() +
                            (version >= 5 ? 2 + statement.result_metadata_id.size() : 0) + 2 +
                            flags_bytes(version) + 2 + cells_bytes(batch.row(row)) +
                            (batch.timestamps.empty() ? 0 : kTimestampCell) + 8;
  Bytes frame(bytes, '\0');
  Cursor to(frame.data());
  write_header(to, version, cql::Opcode::Execute, frame.size());
  to.short_bytes(statement.id);
  if (version >= 5) to.short_bytes(statement.result_metadata_id);
  to.be(static_cast<std::uint16_t>(consistency));
  write_flags(to, kValuesFlag | kTimestampFlag, version);
  write_row(to, batch, row);
  to.be(timestamp_micros);
  CHECK(to.at() == frame.data() + frame.size(), "a frame was counted wrongly");
  return frame;
}

WriteGroups group_by_partition(const WriteBatch& batch, std::size_t bytes_max) {
  struct Group {
    std::uint32_t rows = 0;
    std::size_t bytes = 0;
  };
  const std::vector<std::uint16_t>& markers = batch.statement->partition_key_markers;
  const std::size_t rows = batch.rows();
  std::vector<Group> groups;
  std::vector<std::uint32_t> group_of(rows);
  std::unordered_map<Bytes, std::uint32_t>
      open;  // partition key to its group that still takes rows
  Bytes key;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto cells = batch.row(row);
    const std::size_t bytes = cells_bytes(cells) + statement_around(*batch.statement);
    auto fresh = static_cast<std::uint32_t>(groups.size());
    if (!markers.empty()) {
      key.clear();
      for (const std::uint16_t marker : markers) {
        append_be(key, cells[marker].wire_length());
        key.append(cells[marker].view());
      }
      const auto [at, added] = open.try_emplace(key, fresh);
      const bool fits = !added && groups[at->second].bytes + bytes <= bytes_max &&
                        groups[at->second].rows < kStatementsMax;
      if (fits) fresh = at->second;
      at->second = fresh;
    }
    if (fresh == groups.size()) groups.emplace_back();
    group_of[row] = fresh;
    ++groups[fresh].rows;
    groups[fresh].bytes += bytes;
  }
  WriteGroups result;
  std::vector<std::uint32_t> next;  // where each group's next row goes
  std::uint32_t sum = 0;
  for (const Group& group : groups) {
    next.push_back(sum);
    result.ends.push_back(sum += group.rows);
  }
  result.rows.resize(rows);
  for (std::size_t row = 0; row < rows; ++row)
    result.rows[next[group_of[row]]++] = static_cast<std::uint32_t>(row);
  return result;
}

}  // namespace penstock::client
