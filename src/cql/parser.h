// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "cql/ast.h"

namespace penstock::cql_server {

// Parses one statement, with or without its semicolon. Code::InvalidArgument is a syntax error,
// "line L:C ..." with C counted from 0; Code::Unsupported is CQL that this server refuses
// (unsupported.h). Depth and size of the result are bounded by the text.
Result<ast::Statement> parse_statement(std::string_view text);

}  // namespace penstock::cql_server
