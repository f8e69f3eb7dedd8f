// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "wire/kafka/record.h"

namespace penstock::transfer {

// One record on its way, wherever it was read. Views; who filled it in owns the bytes.
struct Record {
  std::int64_t offset = 0;
  std::int64_t timestamp_millis = kafka::kNoTimestamp;
  std::optional<BytesView> key;
  std::optional<BytesView> value;
  std::span<const kafka::RecordHeader> headers;
};

// The bytes that stand for a record in a Digest, whatever batch it came in and at whatever offset
// it stands: timestamp i64, key, value, number of headers i32, and of each its name and value;
// bytes with their length before them as i32, -1 for absent. Big-endian. Replaces `to`.
void canonical(const Record& record, Bytes& to);

}  // namespace penstock::transfer
