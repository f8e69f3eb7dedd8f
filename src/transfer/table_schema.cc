// SPDX-License-Identifier: Apache-2.0
#include "transfer/table_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <limits>
#include <tuple>

namespace penstock::transfer {
namespace {

std::string replaced(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out + quote;
}

// Takes one identifier off the front.
Result<std::string> take_identifier(std::string_view& text, std::string_view whole) {
  std::string name;
  if (text.starts_with('"')) {
    std::size_t at = 1;
    for (; at < text.size(); ++at) {
      if (text[at] != '"') {
        name += text[at];
      } else if (text.substr(at + 1).starts_with('"')) {
        name += text[at++];
      } else {
        break;
      }
    }
    if (at == text.size())
      return fail(Code::InvalidArgument, "'{}' has a quote that does not end", whole);
    text.remove_prefix(at + 1);
  } else {
    const std::string_view plain = text.substr(0, text.find('.'));
    for (const char c : plain)
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    text.remove_prefix(plain.size());
  }
  if (name.empty()) return fail(Code::InvalidArgument, "'{}' is not KEYSPACE.TABLE", whole);
  return name;
}

template <class F>
std::string joined(const std::vector<Column>& columns, std::size_t from, std::size_t to, F&& f) {
  std::string out;
  for (std::size_t i = from; i < to; ++i) out.append(out.empty() ? "" : ", ").append(f(columns[i]));
  return out;
}

std::string quoted_name(const Column& column) {
  return quoted(column.name);
}

Result<ColumnKind> to_kind(const SchemaColumn& column) {
  if (column.kind == "partition_key") return ColumnKind::PartitionKey;
  if (column.kind == "clustering") return ColumnKind::Clustering;
  if (column.kind == "regular") return ColumnKind::Regular;
  return fail(Code::Unsupported, "it is {}", column.kind);
}

Result<Column> to_column(const SchemaColumn& from) {
  const ColumnKind kind = TRY(to_kind(from));
  const auto type = cql::TypeRef::parse(from.type);
  if (!type || type->kind() == cql::Kind::Udt || type->kind() == cql::Kind::Custom)
    return fail(Code::Unsupported, "its type {} is not one of CQL's own", from.type);
  if (type->kind() == cql::Kind::Counter)
    return fail(Code::Unsupported, "a counter cannot be written with a value");
  if (type->collection() && !type->is_frozen())
    return fail(Code::Unsupported,
                "the elements of a {} that is not frozen have times of their own", from.type);
  return Column{from.name, type->text(), kind, from.clustering_order == "desc"};
}

std::string describe(const Column& column) {
  constexpr std::string_view kKinds[] = {"partition key", "clustering", "regular"};
  return fmt::format("{} {} ({}{})", column.name, column.type,
                     kKinds[static_cast<std::size_t>(column.kind)],
                     column.descending ? ", descending" : "");
}

}  // namespace

std::string quoted(std::string_view identifier) {
  return replaced(identifier, '"');
}
std::string text_literal(std::string_view text) {
  return replaced(text, '\'');
}

std::string TableName::text() const {
  return keyspace + "." + table;
}
std::string TableName::quoted() const {
  return transfer::quoted(keyspace) + "." + transfer::quoted(table);
}

Result<TableName> parse_table_name(std::string_view text) {
  std::string_view rest = text;
  TableName name;
  name.keyspace = TRY(take_identifier(rest, text));
  if (!rest.starts_with('.'))
    return fail(Code::InvalidArgument, "'{}' is not KEYSPACE.TABLE", text);
  rest.remove_prefix(1);
  name.table = TRY(take_identifier(rest, text));
  if (!rest.empty()) return fail(Code::InvalidArgument, "'{}' is not KEYSPACE.TABLE", text);
  return name;
}

Result<std::vector<Column>> to_columns(const TableName& table, std::vector<SchemaColumn> rows) {
  std::vector<std::pair<std::int32_t, Column>> found;
  for (const SchemaColumn& row : rows) {
    const auto column = to_column(row);
    if (!column) {
      return fail(Code::Unsupported, "table {} cannot be moved: column {}: {}", table.text(),
                  row.name, column.error().message);
    }
    found.emplace_back(row.position, *column);
  }
  std::ranges::sort(found, [](const auto& a, const auto& b) {
    return std::tie(a.second.kind, a.first, a.second.name) <
           std::tie(b.second.kind, b.first, b.second.name);
  });
  std::vector<Column> columns;
  for (auto& [position, column] : found) columns.push_back(std::move(column));
  if (columns.empty()) return fail(Code::NotFound, "table {} does not exist", table.text());
  return columns;
}

std::optional<std::string> difference(const std::vector<Column>& exported,
                                      const std::vector<Column>& target) {
  for (std::size_t i = 0; i < std::max(exported.size(), target.size()); ++i) {
    const std::string a = i < exported.size() ? describe(exported[i]) : "no more columns";
    const std::string b = i < target.size() ? describe(target[i]) : "no more columns";
    if (a != b) return fmt::format("the export has {} where the target has {}", a, b);
  }
  return std::nullopt;
}

std::size_t partition_keys(const std::vector<Column>& columns) {
  return static_cast<std::size_t>(
      std::ranges::count(columns, ColumnKind::PartitionKey, &Column::kind));
}
std::size_t keys(const std::vector<Column>& columns) {
  return columns.size() -
         static_cast<std::size_t>(std::ranges::count(columns, ColumnKind::Regular, &Column::kind));
}

Result<std::vector<cql::TypeRef>> key_types(const std::vector<Column>& columns) {
  std::vector<cql::TypeRef> types;
  for (std::size_t i = 0; i < keys(columns); ++i)
    types.push_back(TRY_WITH(cql::TypeRef::parse(columns[i].type), columns[i].name));
  return types;
}

std::string definition(const std::vector<Column>& columns, const TableOptions& options) {
  const std::size_t partition = partition_keys(columns);
  const std::size_t key = keys(columns);
  std::string out =
      fmt::format("({}, PRIMARY KEY (({}){}{}))",
                  joined(columns, 0, columns.size(),
                         [](const Column& each) { return quoted(each.name) + " " + each.type; }),
                  joined(columns, 0, partition, quoted_name), key > partition ? ", " : "",
                  joined(columns, partition, key, quoted_name));
  out += " WITH ";
  if (key > partition) {
    out += fmt::format("CLUSTERING ORDER BY ({}) AND ",
                       joined(columns, partition, key, [](const Column& each) {
                         return quoted(each.name) + (each.descending ? " DESC" : " ASC");
                       }));
  }
  out += fmt::format("default_time_to_live = {} AND gc_grace_seconds = {} AND comment = {}",
                     options.default_time_to_live, options.gc_grace_seconds,
                     text_literal(options.comment));
  return out;
}

std::string keyspace_options(const std::map<std::string, std::string>& replication,
                             bool durable_writes) {
  std::string map;
  for (const auto& [name, value] : replication)
    map +=
        fmt::format("{}{}: {}", map.empty() ? "" : ", ", text_literal(name), text_literal(value));
  return fmt::format("replication = {{{}}} AND durable_writes = {}", map, durable_writes);
}

std::string select_range(const TableName& table, const std::vector<Column>& columns) {
  const std::string token =
      fmt::format("token({})", joined(columns, 0, partition_keys(columns), quoted_name));
  return fmt::format("SELECT {} FROM {} WHERE {} > ? AND {} <= ?",
                     joined(columns, 0, columns.size(),
                            [](const Column& each) {
                              const std::string name = quoted(each.name);
                              return each.kind == ColumnKind::Regular
                                         ? fmt::format("{0}, WRITETIME({0}), TTL({0})", name)
                                         : name;
                            }),
                     table.quoted(), token, token);
}

std::string insert_row(const TableName& table, const std::vector<Column>& columns) {
  return fmt::format("INSERT INTO {} ({}) VALUES ({}) USING TTL ? AND TIMESTAMP ?", table.quoted(),
                     joined(columns, 0, columns.size(), quoted_name),
                     joined(columns, 0, columns.size(), [](const Column&) { return "?"; }));
}

std::pair<std::int64_t, std::int64_t> range_tokens(std::size_t i, std::size_t count) {
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  const int bits = std::countr_zero(count);
  const auto edge = [&](std::uint64_t n) {  // wraps around from the top to the bottom
    const std::uint64_t step = bits == 0 ? 0 : n << (64 - bits);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(kMin) + step);
  };
  return {edge(i), i + 1 == count ? std::numeric_limits<std::int64_t>::max() : edge(i + 1)};
}

}  // namespace penstock::transfer
