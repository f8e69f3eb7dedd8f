// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cql/ast.h"
#include "cql/token_stream.h"

// The grammar's rules, a function each; every one begins at the token after what its caller
// recognised. Terms are in grammar_terms.cc, statements on data in grammar_data.cc, statements on
// the schema in grammar_schema.cc.
namespace penstock::cql_server::grammar {

Result<ast::TableName> table_name(TokenStream& in);
Result<ast::Term> term(TokenStream& in);
Result<std::vector<ast::Term>> term_list(TokenStream& in);  // after '(', takes ')'
Result<std::string> type_name(TokenStream& in);
Result<ast::Selector> selector(TokenStream& in);
Result<std::vector<ast::Relation>> where(TokenStream& in);
Result<std::vector<ast::Property>> properties(TokenStream& in);

Result<ast::Select> select(TokenStream& in);
Result<ast::Insert> insert(TokenStream& in);
Result<ast::Update> update(TokenStream& in);
Result<ast::Delete> delete_(TokenStream& in);
Result<ast::Batch> batch(TokenStream& in);

Result<ast::Body> create(TokenStream& in);
Result<ast::Body> alter(TokenStream& in);
Result<ast::Body> drop(TokenStream& in);
Result<ast::Truncate> truncate(TokenStream& in);
Result<ast::Use> use(TokenStream& in);
Result<ast::Describe> describe(TokenStream& in);

}  // namespace penstock::cql_server::grammar
