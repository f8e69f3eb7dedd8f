// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace penstock {

// CRC-32C (Castagnoli), the checksum of Kafka's record batches. `crc32c("123456789") ==
// 0xe3069283`. With the sum of what stood before: `crc32c(b, crc32c(a))` is that of `a` and `b`
// together.
std::uint32_t crc32c(BytesView bytes, std::uint32_t before = 0);

}  // namespace penstock
