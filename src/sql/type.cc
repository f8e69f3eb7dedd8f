// SPDX-License-Identifier: Apache-2.0
#include "sql/type.h"

#include <array>
#include <utility>

namespace penstock::sql {
namespace {

// The first name of a type is the one we print.
constexpr auto kNames = std::to_array<std::pair<Type, std::string_view>>({
    {Type::Text, "text"},
    {Type::Text, "varchar"},
    {Type::Text, "string"},
    {Type::Ascii, "ascii"},
    {Type::Boolean, "boolean"},
    {Type::Tinyint, "tinyint"},
    {Type::Smallint, "smallint"},
    {Type::Int, "int"},
    {Type::Int, "integer"},
    {Type::Bigint, "bigint"},
    {Type::Bigint, "long"},
    {Type::Float, "float"},
    {Type::Double, "double"},
    {Type::Timestamp, "timestamp"},
    {Type::Date, "date"},
    {Type::Uuid, "uuid"},
    {Type::Timeuuid, "timeuuid"},
});

bool same_letters(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

}  // namespace

std::string_view name(Type type) {
  for (const auto& [candidate, text] : kNames) {
    if (candidate == type) return text;
  }
  return "null";
}

std::optional<Type> parse_type(std::string_view text) {
  for (const auto& [type, candidate] : kNames) {
    if (same_letters(text, candidate)) return type;
  }
  return std::nullopt;
}

std::string type_names() {
  std::string out;
  Type last = Type::Null;
  for (const auto& [type, text] : kNames) {
    if (type == last) continue;
    last = type;
    if (!out.empty()) out += ", ";
    out += text;
  }
  return out;
}

}  // namespace penstock::sql
