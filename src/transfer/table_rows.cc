// SPDX-License-Identifier: Apache-2.0
#include "transfer/table_rows.h"

#include <algorithm>

#include "wire/cql/order_key.h"
#include "wire/cql/wire_io.h"

namespace penstock::transfer {
namespace {

constexpr std::uint8_t kVersion = 4;  // of the notation of values
constexpr std::int64_t kUnknownWritetime = 1;

}  // namespace

Result<std::optional<BytesView>> RowBytes::of(const Row& row) {
  bytes_.clear();
  cql::Writer to(bytes_, kVersion);
  for (std::size_t i = 0; i < row.keys.size(); ++i) {
    if (i < partition_keys_ || row.keys[i].absent() || row.keys[i].size() == 0) {
      to.value(row.keys[i]);
    } else {
      TRY(cql::append_order_key(keys_[i], row.keys[i].view(), false, bytes_));
    }
  }
  bool any = false;
  bool lasting = false;
  for (const Cell& cell : row.cells) {
    const bool here = !cell.value.absent();
    any = any || here;
    if (!here || cell.expires()) {
      to.value(cql::CellValue::null());
      continue;
    }
    lasting = true;
    to.value(cell.value);
    to.i64(cell.writetime_micros);
  }
  if (any && !lasting) return std::nullopt;
  return BytesView(bytes_);
}

std::vector<Insert> inserts_of(const Row& row, std::int64_t now_seconds, std::uint64_t& expired) {
  std::vector<Insert> inserts;
  bool any = false;
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    const Cell& cell = row.cells[i];
    if (cell.value.absent()) continue;
    any = true;
    std::int32_t ttl = 0;
    if (cell.expires()) {
      if (cell.expires_seconds <= now_seconds) {
        ++expired;
        continue;
      }
      ttl = static_cast<std::int32_t>(
          std::min<std::int64_t>(cell.expires_seconds - now_seconds, INT32_MAX));
    }
    const auto same = std::ranges::find_if(inserts, [&](const Insert& each) {
      return each.writetime_micros == cell.writetime_micros && each.ttl_seconds == ttl;
    });
    if (same != inserts.end()) {
      same->columns.push_back(i);
    } else {
      inserts.push_back({cell.writetime_micros, ttl, {i}});
    }
  }
  if (!any) inserts.push_back({kUnknownWritetime, 0, {}});
  std::ranges::sort(inserts, {}, &Insert::writetime_micros);
  return inserts;
}

void append_row(const Row& row, Bytes& body) {
  cql::Writer to(body, kVersion);
  for (const cql::CellValue& key : row.keys) to.value(key);
  for (const Cell& cell : row.cells) {
    to.value(cell.value);
    if (cell.value.absent()) continue;
    to.i64(cell.writetime_micros);
    to.i64(cell.expires_seconds);
  }
}

Bytes to_block(BytesView body) {
  Bytes block;
  block.reserve(kBlockHeadBytes + body.size());
  append_be(block, static_cast<std::uint32_t>(body.size()));
  append_be(block, crc32c(body));
  block.append(body);
  return block;
}

Result<BlockHead> parse_block_head(BytesView head) {
  if (head.size() < kBlockHeadBytes)
    return fail(Code::Corrupt, "a block's head is cut off after {} bytes", head.size());
  const BlockHead parsed{load_be<std::uint32_t>(head.data()),
                         load_be<std::uint32_t>(head.data() + 4)};
  if (parsed.body_bytes > kBlockBodyBytesMax)
    return fail(Code::Corrupt, "a block cannot be {} bytes long", parsed.body_bytes);
  return parsed;
}

Result<void> parse_block(const BlockHead& head, BytesView body, Rows& rows) {
  rows.clear();
  if (body.size() != head.body_bytes || crc32c(body) != head.crc)
    return fail(Code::Corrupt, "a block does not match its checksum");
  cql::Reader from(body, kVersion);
  while (from.left() > 0 && from.ok()) {
    for (std::size_t i = 0; i < rows.keys(); ++i) {
      const cql::CellValue key = from.value();
      if (key.absent()) from.fail_with("a key column has no value");
      rows.add_key(key);
    }
    for (std::size_t i = 0; i < rows.cells(); ++i) {
      Cell cell{from.value()};
      if (cell.value.is_unset()) from.fail_with("a value is unset");
      if (!cell.value.absent()) {
        cell.writetime_micros = from.i64();
        cell.expires_seconds = from.i64();
      }
      rows.add_cell(cell);
    }
  }
  return from.status("a block of rows");
}

}  // namespace penstock::transfer
