// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "cql/ast.h"
#include "cql/selection.h"
#include "cql/value_source.h"
#include "table/keys.h"
#include "table/schema.h"

namespace penstock::cql_server {

// WHERE, sorted by what the table can do with it: which partitions, which stretch of the token
// ring, which clustering ranges, and what has to be looked at row by row.
class Restrictions {
 public:
  enum class Purpose { Select, Update, Delete };

  static Result<Restrictions> compile(const std::vector<ast::Relation>& where,
                                      const table::TableDef& table, Purpose purpose,
                                      bool allow_filtering, MarkerSpecs& markers);
  // INSERT's key values, as if WHERE said so.
  static Result<Restrictions> of_insert(const std::vector<std::pair<std::size_t, ast::Term>>& keys,
                                        const table::TableDef& table, MarkerSpecs& markers);

  bool whole_partition_key() const { return !partition_.empty(); }
  bool whole_clustering() const { return clustering_columns_ == clustering_count_ && !slice_; }
  bool any_clustering() const { return clustering_columns_ > 0 || slice_.has_value(); }
  bool one_partition() const;  // each partition key column has exactly one value
  bool one_row() const;        // and each clustering column too: the fast path of writes
  bool has_filters() const { return filters_needed_; }
  void mark_needed(std::vector<bool>& needed) const;

  // For one_row() and one_partition(): the key, without allocation when the values are bound.
  // `partition` and the clustering may point into the bound values, `scratch` and `arena`.
  struct RowKey {
    table::PartitionKey partition;
    BytesView clustering;
  };
  struct KeyScratch {
    Bytes partition;
    Bytes clustering;
    std::vector<BytesView> values;
    Arena arena;
  };
  Result<RowKey> row_key(const table::TableDef& table, const Context& context,
                         KeyScratch& scratch) const;

  // Everything else: all combinations of the values, owned.
  Result<std::vector<Bytes>> partitions(const table::TableDef& table, const Context& context) const;
  Result<table::TokenRange> tokens(const Context& context) const;
  // Complete clustering keys, encoded; for whole_clustering().
  Result<std::vector<Bytes>> clusterings(const table::TableDef& table,
                                         const Context& context) const;
  // Ascending and apart; none if no row can match. nullopt: every row does.
  Result<std::optional<std::vector<table::ClusteringRange>>> ranges(const table::TableDef& table,
                                                                    const Context& context) const;

  // A condition on the values of a row.
  struct BoundFilter {
    std::vector<std::size_t> columns;
    std::vector<cql::TypeRef> types;
    ast::Op op = ast::Op::Eq;
    std::vector<std::vector<Bytes>> values;  // one tuple; several for IN

    bool matches(RowCells row) const;
  };
  // `all`: also those that the key answers, for rows that come unsorted (system tables).
  Result<std::vector<BoundFilter>> filters(const Context& context, bool all) const;

  // The markers that bind the partition key, in order; empty if one of its columns has no plain
  // marker.
  std::vector<std::uint16_t> partition_key_markers() const;

 private:
  // Values for one column or several: = has one alternative, IN several, IN ? comes as one list. A
  // marker in the place of a whole tuple is one source of a tuple type.
  struct Part {
    std::string name;  // of the columns, for messages
    std::vector<std::vector<ValueSource>> alternatives;
    bool list = false;
  };
  struct Edge {
    std::vector<ValueSource> values;
    bool inclusive = false;
  };
  struct Slice {
    std::size_t first = 0;  // clustering position
    std::optional<Edge> lower;
    std::optional<Edge> upper;
  };
  struct Filter {
    std::vector<std::size_t> columns;
    std::vector<cql::TypeRef> types;  // of the columns
    ast::Op op = ast::Op::Eq;
    Part values;
    bool covered = false;  // answered by the key
  };
  struct Builder;

  using Tuple = std::vector<Bytes>;
  static Result<std::vector<Tuple>> alternatives(const Part& part, const Context& context);
  // Every combination of the parts' alternatives.
  static Result<std::vector<Tuple>> combinations(const std::vector<Part>& parts,
                                                 const Context& context);
  Result<std::optional<table::ClusteringRange>> range_of(const table::TableDef& table,
                                                         const Tuple& prefix,
                                                         const Context& context) const;

  std::vector<Part> partition_;  // empty: not all of the partition key is restricted
  std::vector<Part> clustering_;
  std::size_t clustering_columns_ = 0;  // that clustering_ covers
  std::size_t clustering_count_ = 0;    // of the table
  std::optional<Slice> slice_;
  std::optional<Edge> token_lower_;
  std::optional<Edge> token_upper_;
  std::vector<Filter> filters_;
  bool filters_needed_ = false;
};

}  // namespace penstock::cql_server
