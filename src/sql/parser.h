// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/ast.h"
#include "sql/field.h"

namespace penstock::sql {

struct ParsedItem {
  bool star = false;
  Node node;
  std::string name;  // alias, or the column's own name; empty when the item needs one
};

// Scalar SQL, by precedence climbing: or < and < not < comparison, is, in, like, between < || < + -
// < * / % < unary minus. Bounded: nesting to 100, 10,000 nodes.
SqlResult<Node> parse_expression(std::string_view text);
SqlResult<std::vector<ParsedItem>> parse_select_items(std::string_view text);

}  // namespace penstock::sql
