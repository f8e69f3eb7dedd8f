// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/murmur3.h"

#include <bit>
#include <cstring>
#include <limits>

namespace penstock::cql {
namespace {

constexpr std::uint64_t kC1 = 0x87c37b91114253d5;
constexpr std::uint64_t kC2 = 0x4cf5ad432745937f;

std::uint64_t finalise(std::uint64_t k) {
  k ^= k >> 33;
  k *= 0xff51afd7ed558ccd;
  k ^= k >> 33;
  k *= 0xc4ceb9fe1a85ec53;
  k ^= k >> 33;
  return k;
}

std::uint64_t mix1(std::uint64_t k) {
  return std::rotl(k * kC1, 31) * kC2;
}
std::uint64_t mix2(std::uint64_t k) {
  return std::rotl(k * kC2, 33) * kC1;
}

// Up to eight bytes of the tail, each sign-extended before it is shifted into place: Cassandra
// hashes with Java's signed bytes.
std::uint64_t load_tail(BytesView bytes) {
  std::uint64_t k = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto extended = static_cast<std::int64_t>(static_cast<signed char>(bytes[i]));
    k ^= static_cast<std::uint64_t>(extended) << (8 * i);
  }
  return k;
}

}  // namespace

std::int64_t murmur3(BytesView bytes) {
  std::uint64_t h1 = 0;
  std::uint64_t h2 = 0;
  const std::size_t size = bytes.size();
  for (; bytes.size() >= 16; bytes.remove_prefix(16)) {
    std::uint64_t k1;
    std::uint64_t k2;
    std::memcpy(&k1, bytes.data(), 8);  // little-endian, as the build asserts in base/bytes.h
    std::memcpy(&k2, bytes.data() + 8, 8);
    h1 ^= mix1(k1);
    h1 = (std::rotl(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= mix2(k2);
    h2 = (std::rotl(h2, 31) + h1) * 5 + 0x38495ab5;
  }
  if (bytes.size() > 8) h2 ^= mix2(load_tail(bytes.substr(8)));
  if (!bytes.empty()) h1 ^= mix1(load_tail(bytes.substr(0, 8)));

  h1 ^= size;
  h2 ^= size;
  h1 += h2;
  h2 += h1;
  h1 = finalise(h1);
  h2 = finalise(h2);
  return static_cast<std::int64_t>(h1 + h2);
}

std::int64_t token(BytesView partition_key) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  if (partition_key.empty()) return kMin;
  const std::int64_t hash = murmur3(partition_key);
  return hash == kMin ? std::numeric_limits<std::int64_t>::max() : hash;
}

void append_partition_key(std::span<const BytesView> components, Bytes& to) {
  if (components.size() == 1) {
    to.append(components.front());
    return;
  }
  for (const BytesView component : components) {
    append_be(to, static_cast<std::uint16_t>(component.size()));
    to.append(component);
    to.push_back('\0');
  }
}

}  // namespace penstock::cql
