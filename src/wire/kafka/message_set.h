// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::kafka {

// Whether records from a Produce request are a message set of magic 0 or 1 (Kafka before 0.11), as
// Produce v0-v2 brings.
bool is_message_set(BytesView records);

// One record batch of magic 2 with the same records in the same order and codec. Reads compressed
// sets (one level, as Kafka's producers write them) and checks every CRC-32. Corrupt: torn or
// wrong; Unsupported: magic 0 with lz4, whose frames have a wrong checksum; TooLarge: decompresses
// to more than `bytes_max`.
Result<Bytes> batch_from_message_set(BytesView set, std::size_t bytes_max = 64 << 20);

}  // namespace penstock::kafka
