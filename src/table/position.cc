// SPDX-License-Identifier: Apache-2.0
#include "table/position.h"

#include "table/read_query.h"

namespace penstock::table {
namespace {

constexpr std::size_t kHeadBytes = 1 + 8 + 4;

}  // namespace

Bytes Position::encode() const {
  Bytes bytes(1, whole_partition ? 1 : 0);
  append_be(bytes, partition.token);
  append_be(bytes, static_cast<std::uint32_t>(partition.bytes.size()));
  bytes.append(partition.bytes);
  bytes.append(clustering);
  return bytes;
}

Result<Position> Position::parse(BytesView bytes) {
  Position position;
  const auto bad = [] { return fail(Code::InvalidArgument, "Invalid value for the paging state"); };
  if (bytes.size() < kHeadBytes || static_cast<unsigned char>(bytes.front()) > 1) return bad();
  position.whole_partition = bytes.front() == 1;
  position.partition.token = load_be<std::int64_t>(bytes.data() + 1);
  const std::size_t size = load_be<std::uint32_t>(bytes.data() + 9);
  bytes.remove_prefix(kHeadBytes);
  if (bytes.size() < size) return bad();
  position.partition.bytes = bytes.substr(0, size);
  position.clustering = bytes.substr(size);
  return position;
}

Bytes RowView::position() const {
  return Position{.whole_partition = !has_row, .partition = partition, .clustering = clustering}
      .encode();
}

Bytes RowView::partition_position() const {
  return Position{.whole_partition = true, .partition = partition, .clustering = {}}.encode();
}

}  // namespace penstock::table
