// SPDX-License-Identifier: Apache-2.0
#include "stream/cql_text.h"

#include <fmt/format.h>

namespace penstock::stream {
namespace {

template <class List, class Shown>
std::string joined(const List& list, Shown shown) {
  std::string out;
  for (const auto& item : list) {
    if (!out.empty()) out += ", ";
    out += shown(item);
  }
  return out;
}

}  // namespace

std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out + "\"";
}

std::string text_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

std::string create_table_cql(const CassandraSink& sink, const sql::Fields& fields) {
  std::string key = quoted_name(sink.primary_key.at(0));
  for (std::size_t i = 1; i < sink.primary_key.size(); ++i)
    key += ", " + quoted_name(sink.primary_key[i]);
  return fmt::format("CREATE TABLE IF NOT EXISTS {}.{} ({}, PRIMARY KEY ({}))",
                     quoted_name(sink.keyspace), quoted_name(sink.table),
                     joined(fields,
                            [](const sql::Field& f) {
                              return fmt::format("{} {}", quoted_name(f.name), sql::name(f.type));
                            }),
                     key);
}

std::string insert_cql(const CassandraSink& sink, const sql::Fields& fields) {
  return fmt::format("INSERT INTO {}.{} ({}) VALUES ({}) USING TIMESTAMP ?",
                     quoted_name(sink.keyspace), quoted_name(sink.table),
                     joined(fields, [](const sql::Field& f) { return quoted_name(f.name); }),
                     joined(fields, [](const sql::Field&) { return std::string("?"); }));
}

}  // namespace penstock::stream
