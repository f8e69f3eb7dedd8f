// SPDX-License-Identifier: Apache-2.0
#include "cql/parser.h"

#include "cql/grammar.h"
#include "cql/unsupported.h"
#include "wire/cql/murmur3.h"

namespace penstock::cql_server {
namespace {

Result<ast::Body> body(TokenStream& in) {
  if (in.accept("select")) return TRY(grammar::select(in));
  if (in.accept("insert")) return TRY(grammar::insert(in));
  if (in.accept("update")) return TRY(grammar::update(in));
  if (in.accept("delete")) return TRY(grammar::delete_(in));
  if (in.accept("begin")) return TRY(grammar::batch(in));
  if (in.accept("use")) return TRY(grammar::use(in));
  if (in.accept("create")) return grammar::create(in);
  if (in.accept("alter")) return grammar::alter(in);
  if (in.accept("drop")) return grammar::drop(in);
  if (in.accept("truncate")) return TRY(grammar::truncate(in));
  if (in.accept("describe") || in.accept("desc")) return TRY(grammar::describe(in));
  if (in.is("grant") || in.is("revoke") || in.is("list")) return refuse(Refused::Roles, in.place());
  return in.unexpected(
      "a statement (SELECT, INSERT, UPDATE, DELETE, BEGIN BATCH, CREATE, ALTER, DROP, TRUNCATE, "
      "USE, DESCRIBE)");
}

}  // namespace

Result<ast::Statement> parse_statement(std::string_view text) {
  TokenStream in(TRY(tokenize(text)));
  ast::Statement made;
  made.body = TRY(body(in));
  in.accept_symbol(";");
  if (!in.at_end()) return in.unexpected("the end of the statement");
  made.markers = in.take_markers();
  made.text_hash = cql::murmur3(text);
  return made;
}

}  // namespace penstock::cql_server
