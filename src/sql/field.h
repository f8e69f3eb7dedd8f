// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/type.h"

namespace penstock::sql {

// A named column of a schema.
struct Field {
  std::string name;
  Type type = Type::Text;
  bool not_null = false;

  friend bool operator==(const Field&, const Field&) = default;
};
using Fields = std::vector<Field>;

// What is wrong in a piece of SQL text, and where: line and column count from 1, the column in
// bytes.
struct SqlError {
  int line = 1;
  int column = 1;
  std::string message;
  std::string suggestion;  // a name that was probably meant; may be empty

  std::string text() const;  // "line 2, column 5: unknown column emial; did you mean email?"
};

template <class T>
using SqlResult = tl::expected<T, SqlError>;

// Reads `id text NOT NULL, first_name text, ...`. Names are case-sensitive as JSON's are, "quoted"
// or bare; PRIMARY KEY is refused, since keys belong to the sink. At most 1000 columns, no name
// twice.
SqlResult<Fields> parse_fields(std::string_view text);

// The candidate nearest to `word` if it is near enough to be a slip of the pen, else "".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace penstock::sql
