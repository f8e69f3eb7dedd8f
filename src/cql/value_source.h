// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "cql/ast.h"
#include "cql/functions.h"
#include "table/schema.h"
#include "wire/cql/responses.h"

namespace penstock::cql_server {

// The bind markers of a statement in the making: each gets the name and type of what it is bound
// to.
class MarkerSpecs {
 public:
  explicit MarkerSpecs(const std::vector<std::string>& names)
      : names_(names), specs_(names.size()) {}

  // A marker's own name (:name) goes before the receiver's.
  void set(std::size_t marker, const cql::ColumnSpec& receiver);
  Result<std::vector<cql::ColumnSpec>> take();

 private:
  std::vector<std::string> names_;
  std::vector<std::optional<cql::ColumnSpec>> specs_;
};

// Where a value of a known type comes from when a statement runs: a constant, a bind marker, or a
// function of such.
class ValueSource {
 public:
  // Fails with Cassandra's words when the term cannot be a value of the receiver's type.
  static Result<ValueSource> compile(const ast::Term& term, const cql::ColumnSpec& receiver,
                                     const table::TableDef& table, MarkerSpecs& markers);
  static ValueSource constant(Bytes value, cql::ColumnSpec receiver);

  // The value, checked against the type. Views point into the plan, the bound values or the arena.
  Result<cql::CellValue> value(const Context& context, Arena& arena) const {
    if (kind_ == Kind::Marker) [[likely]] {
      const cql::CellValue bound = context.values[marker_];
      if (!bound.absent()) TRY(check(bound.view()));
      return bound;
    }
    if (kind_ == Kind::Null) return cql::CellValue::null();
    if (kind_ == Kind::Constant) return cql::CellValue(constant_);
    return call(context, arena);
  }

  bool is_marker() const { return kind_ == Kind::Marker; }
  bool is_constant() const { return kind_ == Kind::Constant || kind_ == Kind::Null; }
  std::size_t marker() const { return marker_; }
  const cql::TypeRef& type() const { return receiver_.type; }
  const std::string& name() const { return receiver_.name; }

 private:
  enum class Kind { Null, Constant, Marker, Call };

  static Result<ValueSource> compile_call(const ast::Term& term, const cql::ColumnSpec& receiver,
                                          const table::TableDef& table, MarkerSpecs& markers);
  Result<void> check(BytesView value) const;
  Result<cql::CellValue> call(const Context& context, Arena& arena) const;

  Kind kind_ = Kind::Null;
  cql::ColumnSpec receiver_;
  Bytes constant_;
  std::size_t marker_ = 0;
  std::shared_ptr<const ScalarFunction> function_;
  std::vector<ValueSource> arguments_;
};

// The spec of a column as metadata shows it.
cql::ColumnSpec spec_of(const table::TableDef& table, const table::ColumnDef& column);

}  // namespace penstock::cql_server
