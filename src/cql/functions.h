// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "table/schema.h"
#include "wire/cql/cell_value.h"
#include "wire/cql/types.h"

namespace penstock::cql_server {

// What one execution of a statement has besides its plan.
struct Context {
  std::span<const cql::CellValue> values;  // of the bind markers, in order
  std::int64_t now_micros = 0;             // the same for all of the statement's functions and TTLs
  std::int64_t timestamp_micros = 0;       // of writes without USING TIMESTAMP
};

// Owns values that were computed while a statement runs; views into it stay valid as long as it
// does.
using Arena = std::deque<Bytes>;

// A native scalar function with the types of one overload.
struct ScalarFunction {
  std::string name;
  std::vector<cql::TypeRef> arguments;
  cql::TypeRef returns;
  // Null arguments give null without a call. nullopt = null.
  std::function<Result<std::optional<Bytes>>(std::span<const BytesView>, const Context&)> call;
};

// All overloads of a folded name; none for an unknown one. token() has the types of `of`'s
// partition key.
std::vector<ScalarFunction> scalar_functions(std::string_view name, const table::TableDef& of);

// The error for a name without overloads.
Failure unknown_function(std::string_view name);

// CAST(value AS type); NotFound if there is no such cast, Unsupported if only Cassandra has it.
Result<ScalarFunction> cast_function(const cql::TypeRef& from, const cql::TypeRef& to);

// A version 1 uuid of that moment, unlike any other of this process.
Uuid time_uuid(std::int64_t micros);
// Milliseconds since 1970 of a version 1 uuid.
std::int64_t time_uuid_millis(BytesView uuid);

}  // namespace penstock::cql_server
