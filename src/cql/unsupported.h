// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "base/result.h"

namespace penstock::cql_server {

// A part of CQL that is understood and refused. COMPAT.md lists this table.
struct Unsupported {
  std::string_view feature;
  std::string_view advice;
};

enum class Refused {
  Conditions,
  Counters,
  UserTypes,
  Collections,
  Indexes,
  Views,
  Functions,
  Triggers,
  Roles,
  Json,
  GroupBy,
  CompactStorage,
  ElementAccess,
  Like,
  Arithmetic,
  ColumnMasks,
  LaterFunctions,
  LongNumbers,
};

inline constexpr std::array<Unsupported, 18> kUnsupported{{
    {"conditions (IF NOT EXISTS, IF EXISTS, IF column = ...) on INSERT, UPDATE, DELETE and BATCH",
     "writes are last-write-wins; give USING TIMESTAMP to choose the winner"},
    {"counters", "keep the count in a bigint column and write the new value"},
    {"user-defined types", "use one column for each field"},
    {"collections, tuples and vectors in tables (list, set, map, tuple, vector, frozen)",
     "keep the value as text, or its elements as rows of a second table"},
    {"secondary indexes", "filter with ALLOW FILTERING or keep a second table by that key"},
    {"materialized views", "write a second table in the same batch"},
    {"user-defined functions and aggregates", "compute in the client or in a pipeline"},
    {"triggers", "compute in the client or in a pipeline"},
    {"roles, users and permissions (CREATE ROLE, GRANT, LIST, ...)",
     "the server listens on loopback without authentication"},
    {"JSON (SELECT JSON, INSERT ... JSON, toJson, fromJson)", "name the columns"},
    {"GROUP BY", "aggregate in the client, or restrict the query to one group"},
    {"COMPACT STORAGE", "leave the option out"},
    {"access to elements and fields (c[k], udt.f)", "read the whole column"},
    {"LIKE, CONTAINS, IS NOT NULL and != in WHERE", "use =, IN or a range"},
    {"arithmetic on columns (SET c = c + 1)", "write the new value"},
    {"dynamic data masking", "leave MASKED WITH out"},
    {"the functions abs, exp, log, log10, round, maxwritetime, minwritetime, map_keys, map_values, "
     "collection_*, mask_* and similarity_*",
     "compute in the client or in a pipeline"},
    {"sum and avg of decimal and varint, and CAST between them and other numbers",
     "read the values and compute in the client"},
}};

// The error for a refused feature; `where` says at which place of the statement.
inline Failure refuse(Refused what, std::string_view where = {}) {
  const Unsupported& entry = kUnsupported[static_cast<std::size_t>(what)];
  return fail(Code::Unsupported, "{}{}Penstock does not support {}: {}", where,
              where.empty() ? "" : ": ", entry.feature, entry.advice);
}

}  // namespace penstock::cql_server
