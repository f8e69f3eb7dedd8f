// SPDX-License-Identifier: Apache-2.0
#include "cql/restrictions.h"

#include <algorithm>

#include "wire/cql/order_key.h"
#include "wire/cql/wire_io.h"

namespace penstock::cql_server {
namespace {

using cql::CellValue;

constexpr std::size_t kCombinationsMax = 65'535;

Failure null_key(std::string_view column) {
  return fail(Code::InvalidArgument, "Invalid null value in condition for column {}", column);
}
Failure unset_key(std::string_view column) {
  return fail(Code::InvalidArgument, "Invalid unset value for column {}", column);
}
Failure long_key(std::size_t bytes) {
  return fail(Code::InvalidArgument, "Key length of {} is longer than maximum of {}", bytes,
              table::kKeyBytesMax);
}

Result<BytesView> present(const CellValue& value, std::string_view column) {
  if (value.is_null()) return null_key(column);
  if (value.is_unset()) return unset_key(column);
  return value.view();
}

// The value of a key column: there, and not too long.
Result<BytesView> key_value(const ValueSource& source, const Context& context, Arena& arena) {
  const BytesView value = TRY(present(TRY(source.value(context, arena)), source.name()));
  if (value.size() > table::kKeyBytesMax) return long_key(value.size());
  return value;
}

// The values in a bound tuple. It may hold fewer than its type says (then the rest is null), but a
// key has no nulls.
template <class Values>
Result<void> append_tuple(const cql::TypeRef& type, BytesView tuple, std::string_view columns,
                          Values& to) {
  cql::Reader reader(tuple, 4);
  for (std::size_t i = 0; i < type.children().size(); ++i) {
    if (reader.left() == 0)
      return fail(Code::InvalidArgument, "Expected {} elements in value tuple, but got {}",
                  type.children().size(), i);
    const CellValue element = reader.bytes();
    TRY(reader.status(columns));
    if (element.is_null()) return null_key(columns);
    if (element.size() > table::kKeyBytesMax) return long_key(element.size());
    to.emplace_back(element.view());
  }
  return {};
}

// Key values in the order of their columns. Views into the plan, the bound values or the arena.
Result<void> append_values(std::span<const ValueSource> sources, const Context& context,
                           Arena& arena, std::vector<BytesView>& to) {
  for (const ValueSource& source : sources) {
    if (source.type().kind() == cql::Kind::Tuple) {
      const BytesView tuple = TRY(present(TRY(source.value(context, arena)), source.name()));
      TRY(append_tuple(source.type(), tuple, source.name(), to));
    } else {
      to.push_back(TRY(key_value(source, context, arena)));
    }
  }
  return {};
}

// The bound list of IN ?, an alternative each.
Result<void> append_list(const ValueSource& source, std::string_view columns,
                         const Context& context, Arena& arena,
                         std::vector<std::vector<Bytes>>& to) {
  const CellValue list = TRY(source.value(context, arena));
  if (list.is_null())
    return fail(Code::InvalidArgument, "Invalid null value for column {}", columns);
  if (list.is_unset()) return unset_key(columns);
  if (list.size() == 0) return {};
  const cql::TypeRef& type = source.type().children()[0];
  cql::Reader reader(list.view(), 4);
  for (std::int32_t left = reader.i32(); left > 0 && reader.ok(); --left) {
    const CellValue element = reader.bytes();
    TRY(reader.status(columns));
    if (element.is_null()) return null_key(columns);
    if (type.kind() == cql::Kind::Tuple) {
      TRY(append_tuple(type, element.view(), columns, to.emplace_back()));
    } else if (element.size() > table::kKeyBytesMax) {
      return long_key(element.size());
    } else {
      to.push_back({Bytes(element.view())});
    }
  }
  return {};
}

// 1.0 and 1.00, or two zeros, are equal values with other bytes.
bool equal(const cql::TypeRef& type, BytesView a, BytesView b) {
  if (a == b) return true;
  using cql::Kind;
  const Kind kind = type.kind();
  const bool spelled =
      kind == Kind::Decimal || kind == Kind::Varint || kind == Kind::Float || kind == Kind::Double;
  return spelled && cql::compare_values(type, a, b) == 0;
}

}  // namespace

bool Restrictions::one_partition() const {
  return whole_partition_key() &&
         std::all_of(partition_.begin(), partition_.end(),
                     [](const Part& part) { return !part.list && part.alternatives.size() == 1; });
}

bool Restrictions::one_row() const {
  return one_partition() && whole_clustering() &&
         std::all_of(clustering_.begin(), clustering_.end(),
                     [](const Part& part) { return !part.list && part.alternatives.size() == 1; });
}

void Restrictions::mark_needed(std::vector<bool>& needed) const {
  for (const Filter& filter : filters_) {
    if (filter.covered) continue;
    for (const std::size_t column : filter.columns) needed[column] = true;
  }
}

Result<Restrictions::RowKey> Restrictions::row_key(const table::TableDef& table,
                                                   const Context& context,
                                                   KeyScratch& scratch) const {
  RowKey key;
  scratch.arena.clear();
  if (partition_.size() == 1) {
    const BytesView bytes =
        TRY(key_value(partition_[0].alternatives[0][0], context, scratch.arena));
    if (bytes.empty()) return fail(Code::InvalidArgument, "Key may not be empty");
    key.partition = table::PartitionKey(bytes);
  } else {
    scratch.values.clear();
    for (const Part& part : partition_)
      scratch.values.push_back(TRY(key_value(part.alternatives[0][0], context, scratch.arena)));
    table::encode_partition_key(scratch.values, scratch.partition);
    if (scratch.partition.size() > table::kKeyBytesMax) return long_key(scratch.partition.size());
    key.partition = table::PartitionKey(scratch.partition);
  }
  if (clustering_.empty()) return key;
  scratch.values.clear();
  for (const Part& part : clustering_)
    TRY(append_values(part.alternatives[0], context, scratch.arena, scratch.values));
  scratch.clustering.clear();
  table::append_clustering(table, scratch.values, scratch.clustering);
  key.clustering = scratch.clustering;
  return key;
}

Result<std::vector<Restrictions::Tuple>> Restrictions::alternatives(const Part& part,
                                                                    const Context& context) {
  std::vector<Tuple> tuples;
  Arena arena;
  if (part.list) {
    TRY(append_list(part.alternatives[0][0], part.name, context, arena, tuples));
    return tuples;
  }
  std::vector<BytesView> values;
  for (const auto& sources : part.alternatives) {
    values.clear();
    TRY(append_values(sources, context, arena, values));
    tuples.emplace_back(values.begin(), values.end());
  }
  return tuples;
}

Result<std::vector<Restrictions::Tuple>> Restrictions::combinations(const std::vector<Part>& parts,
                                                                    const Context& context) {
  std::vector<Tuple> made{{}};
  for (const Part& part : parts) {
    const auto tuples = TRY(alternatives(part, context));
    if (made.size() * tuples.size() > kCombinationsMax)
      return fail(Code::InvalidArgument,
                  "the IN conditions have more than {} combinations: ask for fewer at once",
                  kCombinationsMax);
    std::vector<Tuple> longer;
    longer.reserve(made.size() * tuples.size());
    for (const Tuple& begin : made) {
      for (const Tuple& end : tuples) {
        longer.push_back(begin);
        longer.back().insert(longer.back().end(), end.begin(), end.end());
      }
    }
    made = std::move(longer);
  }
  return made;
}

Result<std::vector<Bytes>> Restrictions::partitions(const table::TableDef& table,
                                                    const Context& context) const {
  std::vector<Bytes> keys;
  for (const Tuple& tuple : TRY(combinations(partition_, context))) {
    const std::vector<BytesView> values(tuple.begin(), tuple.end());
    if (values.size() == 1 && values[0].empty())
      return fail(Code::InvalidArgument, "Key may not be empty");
    Bytes key;
    table::encode_partition_key(values, key);
    if (key.size() > table::kKeyBytesMax) return long_key(key.size());
    keys.push_back(std::move(key));
  }
  static_cast<void>(table);
  return keys;
}

Result<table::TokenRange> Restrictions::tokens(const Context& context) const {
  table::TokenRange range;
  Arena arena;
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  const auto edge_token = [&](const Edge& edge) -> Result<std::int64_t> {
    const BytesView bytes = TRY(key_value(edge.values[0], context, arena));
    if (bytes.size() != 8)
      return fail(Code::InvalidArgument, "a token is a bigint of 8 bytes, not of {}", bytes.size());
    return load_be<std::int64_t>(bytes.data());
  };
  if (token_lower_) {
    range.first = TRY(edge_token(*token_lower_));
    if (!token_lower_->inclusive) {
      if (range.first == kMax) return table::TokenRange{1, 0};
      ++range.first;
    }
  }
  if (token_upper_) {
    range.last = TRY(edge_token(*token_upper_));
    // The smallest token is also the ring's end: clients ask for the last stretch as `<= MIN`
    // (Murmur3Partitioner).
    if (range.last == kMin) {
      range.last = kMax;
    } else if (!token_upper_->inclusive) {
      --range.last;
    }
  }
  return range;
}

Result<std::vector<Bytes>> Restrictions::clusterings(const table::TableDef& table,
                                                     const Context& context) const {
  std::vector<Bytes> keys;
  for (const Tuple& tuple : TRY(combinations(clustering_, context))) {
    const std::vector<BytesView> values(tuple.begin(), tuple.end());
    table::append_clustering(table, values, keys.emplace_back());
  }
  return keys;
}

Result<std::optional<table::ClusteringRange>> Restrictions::range_of(const table::TableDef& table,
                                                                     const Tuple& prefix,
                                                                     const Context& context) const {
  const std::vector<BytesView> values(prefix.begin(), prefix.end());
  Bytes begin;
  table::append_clustering(table, values, begin);
  if (!slice_) return table::ClusteringRange::prefix(begin);

  Arena arena;
  const auto key = [&](const Edge& edge) -> Result<Bytes> {
    std::vector<BytesView> longer = values;
    TRY(append_values(edge.values, context, arena, longer));
    Bytes bytes;
    table::append_clustering(table, longer, bytes);
    return bytes;
  };
  table::ClusteringRange range = table::ClusteringRange::prefix(begin);
  const bool reversed = table.clustering()[slice_->first].reversed;
  const auto& low = reversed ? slice_->upper : slice_->lower;
  const auto& high = reversed ? slice_->lower : slice_->upper;
  if (low) {
    const Bytes edge = TRY(key(*low));
    if (low->inclusive) {
      range.from = edge;
    } else {
      auto after = table::ClusteringRange::after(edge);
      if (!after) return std::nullopt;
      range.from = std::move(*after);
    }
  }
  if (high) {
    const Bytes edge = TRY(key(*high));
    if (high->inclusive) {
      range.to = table::ClusteringRange::after(edge);
    } else {
      range.to = edge;
    }
  }
  if (range.empty()) return std::nullopt;
  return range;
}

Result<std::optional<std::vector<table::ClusteringRange>>> Restrictions::ranges(
    const table::TableDef& table, const Context& context) const {
  if (!any_clustering()) return std::nullopt;
  std::vector<table::ClusteringRange> made;
  for (const Tuple& prefix : TRY(combinations(clustering_, context))) {
    auto range = TRY(range_of(table, prefix, context));
    if (range) made.push_back(std::move(*range));
  }
  std::sort(made.begin(), made.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
  made.erase(std::unique(made.begin(), made.end()), made.end());
  return made;
}

Result<std::vector<Restrictions::BoundFilter>> Restrictions::filters(const Context& context,
                                                                     bool all) const {
  std::vector<BoundFilter> bound;
  Arena arena;
  for (const Filter& filter : filters_) {
    if (filter.covered && !all) continue;
    BoundFilter made;
    made.columns = filter.columns;
    made.op = filter.op;
    made.types = filter.types;
    made.values = TRY(alternatives(filter.values, context));
    bound.push_back(std::move(made));
  }
  return bound;
}

bool Restrictions::BoundFilter::matches(RowCells row) const {
  for (const std::size_t column : columns)
    if (!row[column].present) return false;  // null compares with nothing
  if (op == ast::Op::Eq || op == ast::Op::In) {
    return std::any_of(values.begin(), values.end(), [&](const Tuple& tuple) {
      for (std::size_t i = 0; i < columns.size(); ++i)
        if (!equal(types[i], row[columns[i]].value, tuple[i])) return false;
      return true;
    });
  }
  std::strong_ordering order = std::strong_ordering::equal;
  for (std::size_t i = 0; i < columns.size() && order == 0; ++i)
    order = cql::compare_values(types[i], row[columns[i]].value, values[0][i]);
  switch (op) {
    case ast::Op::Lt:
      return order < 0;
    case ast::Op::Le:
      return order <= 0;
    case ast::Op::Gt:
      return order > 0;
    default:
      return order >= 0;
  }
}

std::vector<std::uint16_t> Restrictions::partition_key_markers() const {
  std::vector<std::uint16_t> markers;
  for (const Part& part : partition_) {
    if (part.list || part.alternatives.size() != 1 || !part.alternatives[0][0].is_marker())
      return {};
    markers.push_back(static_cast<std::uint16_t>(part.alternatives[0][0].marker()));
  }
  return markers;
}

}  // namespace penstock::cql_server
