// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::cql {

// The types of CQL. Scalars first; a new one needs a CqlType<> row (scalar_types.h), or nothing
// that visits kinds compiles.
enum class Kind : std::uint8_t {
  Ascii,
  Bigint,
  Blob,
  Boolean,
  Counter,
  Date,
  Decimal,
  Double,
  Duration,
  Float,
  Inet,
  Int,
  Smallint,
  Text,  // "varchar" is the same type under an older name
  Time,
  Timestamp,
  Timeuuid,
  Tinyint,
  Uuid,
  Varint,
  // Built of others, see TypeRef.
  List,
  Set,
  Map,
  Tuple,
  Udt,
  Custom,
};

inline constexpr std::size_t kScalarKinds = static_cast<std::size_t>(Kind::Varint) + 1;

constexpr bool is_scalar(Kind kind) {
  return kind <= Kind::Varint;
}

// Every scalar kind, for tests and tables that loop over all of them.
constexpr std::array<Kind, kScalarKinds> scalar_kinds() {
  std::array<Kind, kScalarKinds> kinds{};
  for (std::size_t i = 0; i < kScalarKinds; ++i) kinds[i] = static_cast<Kind>(i);
  return kinds;
}

// "bigint", "text", "list" ...
std::string_view name(Kind kind);

// The scalar kind of that name in any case; "varchar" is text.
std::optional<Kind> scalar_kind(std::string_view name);

// The width of every non-empty value of the kind, if it has one.
std::optional<std::size_t> fixed_bytes(Kind kind);

}  // namespace penstock::cql
