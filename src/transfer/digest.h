// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace penstock::transfer {

// How many things, and the CRC-32C of their canonical bytes one after another: two copies are the
// same when theirs are.
struct Digest {
  std::uint64_t count = 0;
  std::uint32_t crc = 0;

  void add(BytesView canonical) {
    crc = crc32c(canonical, crc);
    ++count;
  }
  friend bool operator==(const Digest&, const Digest&) = default;
};

// The length of a file and the CRC-32C of its bytes.
struct FileSum {
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;

  void add(BytesView more) {
    bytes += more.size();
    crc = crc32c(more, crc);
  }
  friend bool operator==(const FileSum&, const FileSum&) = default;
};

}  // namespace penstock::transfer
