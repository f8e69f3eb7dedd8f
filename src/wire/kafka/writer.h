// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

// The protocol's variable-length numbers, appended. Fixed ones: append_be() of base.
namespace penstock::kafka {

inline void append_uvarint(Bytes& to, std::uint64_t value) {
  char raw[10];
  std::size_t size = 0;
  while (value >= 0x80) {
    raw[size++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  raw[size++] = static_cast<char>(value);
  to.append(raw, size);
}

inline void append_varlong(Bytes& to, std::int64_t value) {
  append_uvarint(
      to, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

// The zigzag of an int32 as an int64 has the same bytes.
inline void append_varint(Bytes& to, std::int32_t value) {
  append_varlong(to, value);
}

constexpr std::size_t uvarint_size(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

}  // namespace penstock::kafka
