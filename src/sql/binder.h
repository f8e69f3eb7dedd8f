// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "sql/ast.h"
#include "sql/field.h"

namespace penstock::sql {

// Resolves the columns of a parsed expression against `fields` (exact name first, then a single
// match in any case), gives every node its type, and makes conversions explicit: numbers meet as
// bigint or double; a text literal beside a timestamp, date, uuid or boolean is read as one, here
// and not per row. Everything else needs a cast, and the error says so.
SqlResult<Node> bind(Node node, std::string_view text, const Fields& fields);

}  // namespace penstock::sql
