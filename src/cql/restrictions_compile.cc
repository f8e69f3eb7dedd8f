// SPDX-License-Identifier: Apache-2.0
// How WHERE becomes Restrictions; restrictions.cc is how they are used.
#include <algorithm>

#include "cql/lexer.h"
#include "cql/restrictions.h"

namespace penstock::cql_server {
namespace {

using ast::Op;

constexpr std::string_view kFiltering =
    "Cannot execute this query as it might involve data filtering and thus may have unpredictable "
    "performance. If you want to "
    "execute this query despite the performance unpredictability, use ALLOW FILTERING";

bool equality(Op op) {
  return op == Op::Eq || op == Op::In;
}
bool lower(Op op) {
  return op == Op::Gt || op == Op::Ge;
}
bool inclusive(Op op) {
  return op == Op::Ge || op == Op::Le || op == Op::Eq;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

struct Restrictions::Builder {
  const table::TableDef& table;
  Purpose purpose;
  bool allow_filtering;
  MarkerSpecs& markers;
  Restrictions made;
  std::vector<Filter*>
      row_by_row;  // in key columns, but not one interval: looked at without ALLOW FILTERING
  std::size_t partition_count = table.partition_key().size();

  std::size_t clustering_begin() const { return partition_count; }

  Result<std::size_t> column(const std::string& name) const {
    const auto* found = table.column(name);
    if (found == nullptr)
      return fail(Code::InvalidArgument, "Undefined column name {} in table {}.{}", name,
                  table.keyspace, table.name);
    return static_cast<std::size_t>(found - table.columns.data());
  }

  // What a marker for a value of these columns is bound to: a column, or a tuple of several.
  cql::ColumnSpec receiver_of(const ast::Relation& relation,
                              const std::vector<std::size_t>& columns) const {
    if (!relation.tuple) return spec_of(table, table.columns[columns[0]]);
    std::vector<cql::TypeRef> types;
    std::string name;
    for (const std::size_t column : columns) {
      types.push_back(table.columns[column].type);
      name += (name.empty() ? "" : ",") + table.columns[column].name;
    }
    return {table.keyspace, table.name, "(" + name + ")", cql::TypeRef::tuple(std::move(types))};
  }

  // The values on the right side.
  Result<Part> part(const ast::Relation& relation, const std::vector<std::size_t>& columns) {
    Part part;
    cql::ColumnSpec receiver = receiver_of(relation, columns);
    part.name = receiver.name;
    if (relation.in_marker) {
      receiver.name = relation.tuple ? "in" + receiver.name : "in(" + receiver.name + ")";
      receiver.type = cql::TypeRef::list(receiver.type);
      part.list = true;
      part.alternatives.push_back(
          {TRY(ValueSource::compile(relation.values[0], receiver, table, markers))});
      return part;
    }
    for (const ast::Term& value : relation.values) {
      if (relation.tuple && value.kind != ast::Term::Kind::Marker) {
        part.alternatives.push_back(TRY(tuple(value, columns)));
      } else {
        part.alternatives.push_back({TRY(ValueSource::compile(value, receiver, table, markers))});
      }
    }
    return part;
  }

  Result<std::vector<ValueSource>> tuple(const ast::Term& value,
                                         const std::vector<std::size_t>& columns) {
    if (value.kind != ast::Term::Kind::Tuple)
      return fail(Code::InvalidArgument,
                  "a relation of several columns needs a tuple such as (?, ?) on its right side");
    if (value.items.size() != columns.size())
      return fail(Code::InvalidArgument, "Expected {} elements in value tuple, but got {}",
                  columns.size(), value.items.size());
    std::vector<ValueSource> sources;
    for (std::size_t i = 0; i < columns.size(); ++i)
      sources.push_back(TRY(ValueSource::compile(
          value.items[i], spec_of(table, table.columns[columns[i]]), table, markers)));
    return sources;
  }

  Result<void> token(const ast::Relation& relation) {
    if (purpose != Purpose::Select)
      return fail(Code::InvalidArgument,
                  "The token function cannot be used in WHERE clauses for {} statements",
                  purpose == Purpose::Update ? "UPDATE" : "DELETE");
    std::vector<std::string> keys;
    for (const auto& key : table.partition_key()) keys.push_back(key.name);
    if (relation.columns != keys)
      return fail(Code::InvalidArgument,
                  "The token() function must be applied to all partition key components or none of "
                  "them, in their order: {}",
                  joined(keys));
    if (relation.op == Op::In)
      return fail(Code::InvalidArgument, "IN cannot be used with the token function");
    const cql::ColumnSpec receiver{table.keyspace, table.name, "partition key token",
                                   cql::Kind::Bigint};
    Edge edge;
    edge.values.push_back(TRY(ValueSource::compile(relation.values[0], receiver, table, markers)));
    edge.inclusive = inclusive(relation.op);
    for (auto* side : {&made.token_lower_, &made.token_upper_}) {
      const bool wanted =
          relation.op == Op::Eq || (side == &made.token_lower_) == lower(relation.op);
      if (!wanted) continue;
      if (*side)
        return fail(Code::InvalidArgument,
                    "More than one restriction was found for the {} bound on {}",
                    side == &made.token_lower_ ? "start" : "end", joined(keys));
      *side = edge;
    }
    return {};
  }

  Result<void> relation(const ast::Relation& relation) {
    if (relation.token) return token(relation);
    Filter filter;
    filter.op = relation.op;
    for (const auto& name : relation.columns) {
      filter.columns.push_back(TRY(column(name)));
      filter.types.push_back(table.columns[filter.columns.back()].type);
    }
    if (relation.tuple) {
      for (std::size_t i = 0; i < filter.columns.size(); ++i) {
        const auto& of = table.columns[filter.columns[i]];
        if (of.kind != table::ColumnKind::Clustering)
          return fail(Code::InvalidArgument,
                      "Multi-column relations can only be applied to clustering columns but was "
                      "applied to: {}",
                      of.name);
        if (i > 0 && filter.columns[i] != filter.columns[i - 1] + 1)
          return fail(Code::InvalidArgument,
                      "Clustering columns must appear in the PRIMARY KEY order in multi-column "
                      "relations: ({})",
                      joined(relation.columns));
      }
    }
    filter.values = TRY(part(relation, filter.columns));
    made.filters_.push_back(std::move(filter));
    return {};
  }

  Result<void> refuse_doubles() const {
    for (std::size_t i = 0; i < made.filters_.size(); ++i) {
      for (std::size_t j = i + 1; j < made.filters_.size(); ++j) {
        const Filter& a = made.filters_[i];
        const Filter& b = made.filters_[j];
        if (a.columns != b.columns) continue;
        const std::string& name = table.columns[a.columns[0]].name;
        if (equality(a.op) || equality(b.op))
          return fail(Code::InvalidArgument,
                      "{} cannot be restricted by more than one relation if it includes an Equal",
                      name);
        if (lower(a.op) == lower(b.op))
          return fail(Code::InvalidArgument,
                      "More than one restriction was found for the {} bound on {}",
                      lower(a.op) ? "start" : "end", name);
      }
    }
    return {};
  }

  Filter* find(std::size_t first_column, bool equal) {
    for (Filter& filter : made.filters_)
      if (!filter.covered && filter.columns[0] == first_column && equality(filter.op) == equal)
        return &filter;
    return nullptr;
  }

  Result<void> partition() {
    std::vector<std::string> missing;
    std::vector<Filter*> found;
    for (std::size_t i = 0; i < partition_count; ++i) {
      Filter* filter = find(i, true);
      if (filter == nullptr) {
        if (find(i, false) != nullptr && (!allow_filtering || purpose != Purpose::Select))
          return fail(Code::InvalidArgument,
                      "Only EQ and IN relation are supported on the partition key (unless you use "
                      "the token() function)");
        missing.push_back(table.columns[i].name);
      } else {
        found.push_back(filter);
      }
    }
    if (!missing.empty()) {
      if (purpose != Purpose::Select)
        return fail(Code::InvalidArgument, "Some partition key parts are missing: {}",
                    joined(missing));
      return {};
    }
    if (made.token_lower_ || made.token_upper_)
      return fail(
          Code::InvalidArgument,
          "Columns \"{}\" cannot be restricted by both a normal relation and a token relation",
          table.columns[0].name);
    for (Filter* filter : found) {
      filter->covered = true;
      made.partition_.push_back(filter->values);
    }
    return {};
  }

  void clustering() {
    const std::size_t count = made.clustering_count_ = table.clustering().size();
    std::size_t at = 0;
    while (at < count) {
      Filter* filter = find(clustering_begin() + at, true);
      if (filter == nullptr) break;
      filter->covered = true;
      made.clustering_.push_back(filter->values);
      at += filter->columns.size();
    }
    made.clustering_columns_ = at;
    if (at == count) return;
    Slice slice;
    slice.first = at;
    for (Filter* filter = find(clustering_begin() + at, false); filter != nullptr;
         filter = find(clustering_begin() + at, false)) {
      auto& edge = lower(filter->op) ? slice.lower : slice.upper;
      bool same_direction = !edge;
      for (const std::size_t column_at : filter->columns)
        same_direction = same_direction && table.columns[column_at].reversed ==
                                               table.columns[filter->columns[0]].reversed;
      filter->covered = true;
      if (same_direction) {
        edge = Edge{filter->values.alternatives[0], inclusive(filter->op)};
      } else {
        row_by_row.push_back(filter);
      }
    }
    if (slice.lower || slice.upper) made.slice_ = std::move(slice);
    for (Filter* filter : row_by_row) filter->covered = false;
  }

  Result<void> filtering() {
    for (const Filter& filter : made.filters_) {
      if (filter.covered) continue;
      made.filters_needed_ = true;
      if (std::find(row_by_row.begin(), row_by_row.end(), &filter) != row_by_row.end()) continue;
      const auto& of = table.columns[filter.columns[0]];
      if (purpose != Purpose::Select && !of.is_key())
        return fail(Code::InvalidArgument, "Non PRIMARY KEY columns found in where clause: {} ",
                    of.name);
      if (purpose == Purpose::Select && allow_filtering) continue;
      if (of.kind == table::ColumnKind::Clustering && made.whole_partition_key()) {
        const std::string& before = table.clustering()[made.clustering_columns_].name;
        if (made.slice_)
          return fail(Code::InvalidArgument,
                      "Clustering column \"{}\" cannot be restricted (preceding column \"{}\" is "
                      "restricted by a non-EQ relation)",
                      of.name, before);
        return fail(Code::InvalidArgument,
                    "PRIMARY KEY column \"{}\" cannot be restricted as preceding column \"{}\" is "
                    "not restricted",
                    of.name, before);
      }
      return fail(Code::InvalidArgument, "{}", kFiltering);
    }
    if (purpose == Purpose::Select && !allow_filtering && !made.whole_partition_key() &&
        made.any_clustering())
      return fail(Code::InvalidArgument, "{}", kFiltering);
    return {};
  }

  Result<Restrictions> finish() {
    TRY(refuse_doubles());
    TRY(partition());
    clustering();
    TRY(filtering());
    return std::move(made);
  }
};

Result<Restrictions> Restrictions::compile(const std::vector<ast::Relation>& where,
                                           const table::TableDef& table, Purpose purpose,
                                           bool allow_filtering, MarkerSpecs& markers) {
  Builder builder{table, purpose, allow_filtering, markers, {}, {}};
  for (const ast::Relation& relation : where) TRY(builder.relation(relation));
  return builder.finish();
}

Result<Restrictions> Restrictions::of_insert(
    const std::vector<std::pair<std::size_t, ast::Term>>& keys, const table::TableDef& table,
    MarkerSpecs& markers) {
  Builder builder{table, Purpose::Update, false, markers, {}, {}};
  for (const auto& [column, value] : keys) {
    ast::Relation equal;
    equal.columns.push_back(table.columns[column].name);
    equal.values.push_back(value);
    TRY(builder.relation(equal));
  }
  return builder.finish();
}

}  // namespace penstock::cql_server
