// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace penstock::cql {

// First half of MurmurHash3 x64 128 with seed 0 as Cassandra computes it: the bytes of the tail are
// sign-extended, which other implementations do not do.
std::int64_t murmur3(BytesView bytes);

// The token of a partition key by Murmur3Partitioner: INT64_MIN is kept for the empty key (and as
// the ring's lower bound).
std::int64_t token(BytesView partition_key);

// The bytes that are hashed: one component as it is, several each as [u16 length][bytes][0].
// Components longer than 65535 bytes have no such form; callers refuse them first (Cassandra's
// limit too).
void append_partition_key(std::span<const BytesView> components, Bytes& to);

}  // namespace penstock::cql
