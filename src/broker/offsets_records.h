// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/group_coordinator/types.h"

// Keys and values of the records in __consumer_offsets, byte for byte Kafka's
// (docs/formats/consumer-offsets.md).
namespace penstock::broker {

struct EncodedRecord {
  Bytes key;
  std::optional<Bytes> value;  // none: a tombstone
};

// TooLarge when a text is longer than the format's strings can be (32767 bytes).
Result<EncodedRecord> encode_record(const CoordinatorRecord& record);

// Nothing for a kind of record that is not known here; Corrupt for one that does not hold together.
Result<std::optional<CoordinatorRecord>> decode_record(BytesView key,
                                                       std::optional<BytesView> value);

}  // namespace penstock::broker
