// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::sql {

// The CQL scalar types that a pipeline can decode, compute with and write. Null is the type of the
// literal NULL only.
enum class Type : std::uint8_t {
  Null,
  Text,
  Ascii,
  Boolean,
  Tinyint,
  Smallint,
  Int,
  Bigint,
  Float,
  Double,
  Timestamp,  // milliseconds since 1970 UTC
  Date,       // days since 1970-01-01
  Uuid,
  Timeuuid,
};

// How the values of a type lie in a column. Integers of every width are 64 bits wide in memory and
// are narrowed when they are written; ranges are checked where a value enters the type.
enum class Storage : std::uint8_t { Int64, Float64, Bytes };

constexpr Storage storage(Type type) {
  switch (type) {
    case Type::Text:
    case Type::Ascii:
    case Type::Uuid:
    case Type::Timeuuid:
      return Storage::Bytes;
    case Type::Float:
    case Type::Double:
      return Storage::Float64;
    default:
      return Storage::Int64;
  }
}

constexpr bool is_text(Type type) {
  return type == Type::Text || type == Type::Ascii;
}
constexpr bool is_integer(Type type) {
  return type == Type::Tinyint || type == Type::Smallint || type == Type::Int ||
         type == Type::Bigint;
}
constexpr bool is_floating(Type type) {
  return type == Type::Float || type == Type::Double;
}
constexpr bool is_number(Type type) {
  return is_integer(type) || is_floating(type);
}
constexpr bool is_uuid(Type type) {
  return type == Type::Uuid || type == Type::Timeuuid;
}

// The CQL name in lower case; "null" for Null.
std::string_view name(Type type);

// The type with this name, in any case. varchar and string mean text, long means bigint, integer
// means int.
std::optional<Type> parse_type(std::string_view name);

// "text, bigint, ...": for messages that refuse a type.
std::string type_names();

}  // namespace penstock::sql
