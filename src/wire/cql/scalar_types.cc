// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/scalar_types.h"

#include <cstring>
#include <limits>

namespace penstock::cql::internal {
namespace {

// Cassandra's variable-length integers: as many leading 1 bits in the first byte as bytes follow,
// most significant byte first.
void append_vint(std::int64_t value, Bytes& to) {
  const auto zigzag =
      static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
  const int bits = 64 - std::countl_zero(zigzag | 1);
  const int extra = std::min(8, (bits - 1) / 7);
  char raw[8];
  store_be(raw, zigzag);
  if (extra == 8) {
    to.push_back('\xff');
  } else {
    const auto head = static_cast<std::uint8_t>(zigzag >> (8 * extra));
    to.push_back(static_cast<char>(head | static_cast<std::uint8_t>(0xFF00 >> extra)));
  }
  to.append(raw + 8 - extra, static_cast<std::size_t>(extra));
}

std::optional<std::int64_t> take_vint(BytesView& bytes) {
  if (bytes.empty()) return std::nullopt;
  const auto first = static_cast<std::uint8_t>(bytes[0]);
  const auto extra = static_cast<std::size_t>(std::countl_one(first));
  if (bytes.size() < 1 + extra) return std::nullopt;
  std::uint64_t zigzag = extra >= 7 ? 0 : first & (0xFFU >> (extra + 1));
  for (std::size_t i = 1; i <= extra; ++i)
    zigzag = zigzag << 8 | static_cast<std::uint8_t>(bytes[i]);
  bytes.remove_prefix(1 + extra);
  return static_cast<std::int64_t>(zigzag >> 1) ^ -static_cast<std::int64_t>(zigzag & 1);
}

bool fits_int(std::int64_t value) {
  return value >= std::numeric_limits<std::int32_t>::min() &&
         value <= std::numeric_limits<std::int32_t>::max();
}

}  // namespace

Result<Uuid> UuidCodec::decode(BytesView bytes) {
  Uuid uuid;
  if (bytes.size() != 16)
    return fail(Code::InvalidArgument, "expected 16 bytes, got {}", bytes.size());
  std::memcpy(uuid.bytes.data(), bytes.data(), 16);
  return uuid;
}

void DecimalCodec::encode(const DecimalView& value, Bytes& to) {
  append_be(to, value.scale);
  to.append(value.unscaled);
}

Result<DecimalView> DecimalCodec::decode(BytesView bytes) {
  if (bytes.size() < 5)
    return fail(Code::InvalidArgument, "expected at least 5 bytes, got {}", bytes.size());
  return DecimalView{bytes.substr(4), load_be<std::int32_t>(bytes.data())};
}

void DurationCodec::encode(const CqlDuration& value, Bytes& to) {
  append_vint(value.months, to);
  append_vint(value.days, to);
  append_vint(value.nanos, to);
}

Result<CqlDuration> DurationCodec::decode(BytesView bytes) {
  const auto months = take_vint(bytes);
  const auto days = take_vint(bytes);
  const auto nanos = take_vint(bytes);
  if (!months || !days || !nanos || !bytes.empty())
    return fail(Code::InvalidArgument, "expected three variable-length integers");
  if (!fits_int(*months) || !fits_int(*days))
    return fail(Code::InvalidArgument, "the months or days of a duration do not fit in 32 bits");
  const bool some_negative = *months < 0 || *days < 0 || *nanos < 0;
  const bool some_positive = *months > 0 || *days > 0 || *nanos > 0;
  if (some_negative && some_positive)
    return fail(Code::InvalidArgument,
                "the months, days and nanoseconds of a duration have different signs");
  return CqlDuration{static_cast<std::int32_t>(*months), static_cast<std::int32_t>(*days), *nanos};
}

}  // namespace penstock::cql::internal
