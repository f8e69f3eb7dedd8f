// SPDX-License-Identifier: Apache-2.0
// One row for each scalar type: its C++ value and its names. What the rows can do is in values.h
// and order_key.h.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "wire/cql/kind.h"

namespace penstock::cql {

// unscaled * 10^-scale; unscaled is a big-endian two's complement integer, borrowed.
struct DecimalView {
  BytesView unscaled;
  std::int32_t scale = 0;
};

// Months and days have no fixed length, so the three are kept apart; all have the same sign.
struct CqlDuration {
  std::int32_t months = 0;
  std::int32_t days = 0;
  std::int64_t nanos = 0;
  friend bool operator==(const CqlDuration&, const CqlDuration&) = default;
};

// A kind's row. `Value` is what encode() takes and decode() gives; views stay views. `option_id` is
// the wire's type code, `since_version` the first protocol version that knows it (older ones see
// `java_class` as a custom type).
template <Kind kind>
struct CqlType;

namespace internal {
template <class T>
struct NumberCodec {
  using Value = T;
  static constexpr std::optional<std::size_t> fixed_bytes = sizeof(T);
  static void encode(T value, Bytes& to) {
    if constexpr (sizeof(T) == 1) {
      to.push_back(static_cast<char>(value));
    } else if constexpr (std::is_same_v<T, float>) {
      append_be(to, std::bit_cast<std::uint32_t>(value));
    } else if constexpr (std::is_same_v<T, double>) {
      append_be(to, std::bit_cast<std::uint64_t>(value));
    } else {
      append_be(to, value);
    }
  }
  // `bytes` must have the width: CqlType<>::decode checks it.
  static T load(BytesView bytes) {
    if constexpr (sizeof(T) == 1) {
      return static_cast<T>(bytes[0]);
    } else if constexpr (std::is_same_v<T, float>) {
      return std::bit_cast<float>(load_be<std::uint32_t>(bytes.data()));
    } else if constexpr (std::is_same_v<T, double>) {
      return std::bit_cast<double>(load_be<std::uint64_t>(bytes.data()));
    } else {
      return load_be<T>(bytes.data());
    }
  }
  static Result<T> decode(BytesView bytes) {
    if (bytes.size() != sizeof(T))
      return fail(Code::InvalidArgument, "expected {} bytes, got {}", sizeof(T), bytes.size());
    return load(bytes);
  }
};
struct BytesCodec {
  using Value = BytesView;
  static constexpr std::optional<std::size_t> fixed_bytes = std::nullopt;
  static void encode(BytesView value, Bytes& to) { to.append(value); }
  static Result<BytesView> decode(BytesView bytes) { return bytes; }
};
struct UuidCodec {
  using Value = penstock::Uuid;
  static constexpr std::optional<std::size_t> fixed_bytes = 16;
  static void encode(const Value& value, Bytes& to) { to.append(value.view()); }
  static Result<Value> decode(BytesView bytes);
};
struct DecimalCodec {
  using Value = DecimalView;
  static constexpr std::optional<std::size_t> fixed_bytes = std::nullopt;
  static void encode(const Value& value, Bytes& to);
  static Result<Value> decode(BytesView bytes);
};
struct DurationCodec {
  using Value = CqlDuration;
  static constexpr std::optional<std::size_t> fixed_bytes = std::nullopt;
  static void encode(const Value& value, Bytes& to);
  static Result<Value> decode(BytesView bytes);
};
}  // namespace internal

// clang-format off
#define PENSTOCK_CQL_SCALARS(ROW)                                                                   \
  /*  kind       codec                        id      since  name         Java class           */  \
  ROW(Ascii,     internal::BytesCodec,                0x0001, 1, "ascii",     "AsciiType")          \
  ROW(Bigint,    internal::NumberCodec<std::int64_t>, 0x0002, 1, "bigint",    "LongType")           \
  ROW(Blob,      internal::BytesCodec,                0x0003, 1, "blob",      "BytesType")          \
  ROW(Boolean,   internal::NumberCodec<bool>,         0x0004, 1, "boolean",   "BooleanType")        \
  ROW(Counter,   internal::NumberCodec<std::int64_t>, 0x0005, 1, "counter",   "CounterColumnType")  \
  ROW(Decimal,   internal::DecimalCodec,              0x0006, 1, "decimal",   "DecimalType")        \
  ROW(Double,    internal::NumberCodec<double>,       0x0007, 1, "double",    "DoubleType")         \
  ROW(Float,     internal::NumberCodec<float>,        0x0008, 1, "float",     "FloatType")          \
  ROW(Int,       internal::NumberCodec<std::int32_t>, 0x0009, 1, "int",       "Int32Type")          \
  ROW(Timestamp, internal::NumberCodec<std::int64_t>, 0x000B, 1, "timestamp", "TimestampType")      \
  ROW(Uuid,      internal::UuidCodec,                 0x000C, 1, "uuid",      "UUIDType")           \
  ROW(Text,      internal::BytesCodec,                0x000D, 1, "text",      "UTF8Type")           \
  ROW(Varint,    internal::BytesCodec,                0x000E, 1, "varint",    "IntegerType")        \
  ROW(Timeuuid,  internal::UuidCodec,                 0x000F, 1, "timeuuid",  "TimeUUIDType")       \
  ROW(Inet,      internal::BytesCodec,                0x0010, 1, "inet",      "InetAddressType")    \
  ROW(Date,      internal::NumberCodec<std::uint32_t>,0x0011, 4, "date",      "SimpleDateType")     \
  ROW(Time,      internal::NumberCodec<std::int64_t>, 0x0012, 4, "time",      "TimeType")           \
  ROW(Smallint,  internal::NumberCodec<std::int16_t>, 0x0013, 4, "smallint",  "ShortType")          \
  ROW(Tinyint,   internal::NumberCodec<std::int8_t>,  0x0014, 4, "tinyint",   "ByteType")           \
  ROW(Duration,  internal::DurationCodec,             0x0015, 5, "duration",  "DurationType")
// clang-format on

#define PENSTOCK_CQL_ROW(kind_, codec, id, since, name_, java) \
  template <>                                                  \
  struct CqlType<Kind::kind_> : codec {                        \
    static constexpr Kind kind = Kind::kind_;                  \
    static constexpr std::uint16_t option_id = id;             \
    static constexpr std::uint8_t since_version = since;       \
    static constexpr std::string_view name = name_;            \
    static constexpr std::string_view java_class = java;       \
  };
PENSTOCK_CQL_SCALARS(PENSTOCK_CQL_ROW)
#undef PENSTOCK_CQL_ROW

// Calls `f(CqlType<kind>{})` for the scalar `kind`. A kind without a row does not compile
// (-Wswitch).
template <class F>
decltype(auto) visit_scalar(Kind kind, F&& f) {
#define PENSTOCK_CQL_CASE(kind_, codec, id, since, name_, java) \
  case Kind::kind_:                                             \
    return f(CqlType<Kind::kind_>{});
  switch (kind) {
    PENSTOCK_CQL_SCALARS(PENSTOCK_CQL_CASE)
    case Kind::List:
    case Kind::Set:
    case Kind::Map:
    case Kind::Tuple:
    case Kind::Udt:
    case Kind::Custom:
      break;
  }
#undef PENSTOCK_CQL_CASE
  return f(CqlType<Kind::Blob>{});  // what an unknown type is: bytes
}

// The wire bytes of one value: `encode<Kind::Int>(42)`.
template <Kind kind>
Bytes encode(const typename CqlType<kind>::Value& value) {
  Bytes bytes;
  CqlType<kind>::encode(value, bytes);
  return bytes;
}
template <Kind kind>
Result<typename CqlType<kind>::Value> decode(BytesView bytes) {
  return CqlType<kind>::decode(bytes);
}

}  // namespace penstock::cql
