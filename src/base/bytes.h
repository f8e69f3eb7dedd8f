// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace penstock {

// Raw bytes, owned and borrowed. std::string is what RocksDB, librdkafka and simdjson take and
// give, so no edge converts.
using Bytes = std::string;
using BytesView = std::string_view;

// Big-endian (network order) loads and stores: the order of Kafka's protocol, of CQL's, and of our
// keys on disk.
template <class T>
T load_be(const char* from) {
  static_assert(std::is_integral_v<T> && std::endian::native == std::endian::little);
  std::make_unsigned_t<T> value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  return static_cast<T>(value);
}

template <class T>
void store_be(char* to, T number) {
  static_assert(std::is_integral_v<T> && std::endian::native == std::endian::little);
  auto value = static_cast<std::make_unsigned_t<T>>(number);
  if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof value);
}

template <class T>
void append_be(Bytes& to, T number) {
  char raw[sizeof(T)];
  store_be(raw, number);
  to.append(raw, sizeof raw);
}

// "00 0a ff": for messages and tests. At most `bytes_max` bytes, then "...".
std::string hex(BytesView bytes, std::size_t bytes_max = 64);

}  // namespace penstock
