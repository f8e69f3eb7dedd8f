// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace penstock {

std::uint32_t crc32c(BytesView bytes, std::uint32_t before) {
  // ISA-L takes an int for the length, and leaves both inversions to the caller.
  constexpr std::size_t kChunk = std::size_t{1} << 30;
  std::uint32_t state = ~before;
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), kChunk);
    state = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())),
                        static_cast<int>(size), state);
    bytes.remove_prefix(size);
  }
  return ~state;
}

}  // namespace penstock
