// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sql/type.h"

namespace penstock::sql {

// What an expression node computes from its arguments.
enum class Op : std::uint8_t {
  Literal,
  Column,
  Not,
  And,
  Or,
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  Add,
  Sub,
  Mul,
  Div,  // always a double, as in Spark
  Mod,
  Neg,
  Concat,
  Like,        // text, pattern
  In,          // value, candidates...
  Between,     // value, low, high
  Case,        // condition, value, condition, value, ..., else
  SimpleCase,  // operand, candidate, value, ..., else
  IsNull,
  Coalesce,
  NullIf,
  Lower,
  Upper,
  Trim,
  LTrim,
  RTrim,
  Length,   // in characters
  Substr,   // text, first (from 1; negative from the end) [, length]
  Replace,  // text, what, with
  Cast,
  TryCast,
};

// One node of an expression: the parser fills op, args, place and literal text; the binder fills
// types and column numbers.
struct Node {
  Op op = Op::Literal;
  std::vector<Node> args;
  std::size_t at = 0;  // byte offset in the SQL text

  Type type = Type::Null;  // result; for Cast and TryCast the target
  std::string text;        // literal text, or column name
  std::int64_t integer = 0;
  double number = 0;
  std::size_t column = 0;
};

}  // namespace penstock::sql
