// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// What a CQL statement says, before any name is looked up. Names are as the catalog has them:
// folded to lower case unless they were quoted.
namespace penstock::cql_server::ast {

struct TableName {
  std::string keyspace;  // empty: the connection's keyspace
  std::string table;
};

enum class Literal { Null, String, Integer, Float, Boolean, Uuid, Blob, Duration };

// A value in a statement.
struct Term {
  enum class Kind { Literal, Marker, Call, List, Set, Map, Tuple };
  Kind kind = Kind::Literal;
  Literal literal = Literal::Null;
  std::string text;         // the literal without quotes, or the function's name
  std::size_t marker = 0;   // which bind marker
  std::vector<Term> items;  // arguments, elements, or keys and values in turn
};

struct Selector {
  enum class Kind { Column, CountRows, Call, Cast, WriteTime, Ttl, Value };
  Kind kind = Kind::Column;
  std::string name;            // column, or function folded to lower case
  std::string type;            // of a cast
  std::vector<Selector> args;  // of a call or cast; the column of writetime and ttl
  Term value;
  std::string alias;
};

enum class Op { Eq, Lt, Le, Gt, Ge, In };

// One condition of WHERE.
struct Relation {
  std::vector<std::string> columns;  // several for (a, b) > (1, 2) and token(a, b)
  bool token = false;
  bool tuple = false;
  Op op = Op::Eq;
  std::vector<Term> values;  // one; for IN each element
  bool in_marker = false;    // IN ?: values holds the one marker
};

struct Using {
  std::optional<Term> timestamp;
  std::optional<Term> ttl;
};

struct OrderBy {
  std::string column;
  bool descending = false;
};

struct Select {
  TableName table;
  bool distinct = false;
  std::vector<Selector> selectors;  // empty: *
  std::vector<Relation> where;
  std::vector<OrderBy> order_by;
  std::optional<Term> limit;
  std::optional<Term> per_partition_limit;
  bool allow_filtering = false;
};

struct Insert {
  TableName table;
  std::vector<std::string> columns;
  std::vector<Term> values;
  Using with;
};

struct Update {
  TableName table;
  Using with;
  std::vector<std::pair<std::string, Term>> assignments;
  std::vector<Relation> where;
};

struct Delete {
  TableName table;
  Using with;
  std::vector<std::string> columns;  // empty: whole rows
  std::vector<Relation> where;
};

using Modification = std::variant<Insert, Update, Delete>;

struct Batch {
  Using with;
  std::vector<Modification> statements;
};

// The value of an option: WITH name = value.
struct Property {
  std::string name;
  bool is_map = false;
  Literal literal = Literal::String;
  std::string text;
  std::vector<std::pair<std::string, std::string>> map;
};

struct CreateKeyspace {
  std::string name;
  bool if_not_exists = false;
  std::vector<Property> properties;
};
struct AlterKeyspace {
  std::string name;
  bool if_exists = false;
  std::vector<Property> properties;
};
struct DropKeyspace {
  std::string name;
  bool if_exists = false;
};

struct ColumnSpec {
  std::string name;
  std::string type;  // canonical text, "map<text, int>"
  bool is_static = false;
};
struct CreateTable {
  TableName table;
  bool if_not_exists = false;
  std::vector<ColumnSpec> columns;
  std::vector<std::string> partition_key;
  std::vector<std::string> clustering;
  std::vector<OrderBy> clustering_order;
  std::vector<Property> properties;
};
struct AlterTable {
  enum class Kind { Add, Drop, Rename, With };
  TableName table;
  bool if_exists = false;
  Kind kind = Kind::With;
  bool if_column = false;  // ADD IF NOT EXISTS, DROP IF EXISTS, RENAME IF EXISTS
  std::vector<ColumnSpec> add;
  std::vector<std::string> drop;
  std::vector<std::pair<std::string, std::string>> rename;
  std::vector<Property> properties;
};
struct DropTable {
  TableName table;
  bool if_exists = false;
};
struct Truncate {
  TableName table;
};
struct Use {
  std::string keyspace;
};

// DESCRIBE, answered by the server since release 4.0 (CASSANDRA-14825).
struct Describe {
  enum class What { Cluster, Schema, FullSchema, Keyspaces, Keyspace, Tables, Table, Any, Nothing };
  What what = What::Schema;
  std::string keyspace;
  std::string name;
  bool internals = false;
};

using Body =
    std::variant<Select, Insert, Update, Delete, Batch, CreateKeyspace, AlterKeyspace, DropKeyspace,
                 CreateTable, AlterTable, DropTable, Truncate, Use, Describe>;

struct Statement {
  Body body;
  std::vector<std::string> markers;  // names in order; empty for ?
  std::int64_t text_hash = 0;        // knows the statement again, also after a restart
};

}  // namespace penstock::cql_server::ast
