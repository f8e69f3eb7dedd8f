// SPDX-License-Identifier: Apache-2.0
#include "cql/grammar.h"
#include "cql/unsupported.h"

namespace penstock::cql_server::grammar {
namespace {

Result<ast::Using> using_clause(TokenStream& in) {
  ast::Using made;
  if (!in.accept("using")) return made;
  do {
    if (in.accept("timestamp")) {
      made.timestamp = TRY(term(in));
    } else if (in.accept("ttl")) {
      made.ttl = TRY(term(in));
    } else {
      return in.unexpected("TIMESTAMP or TTL");
    }
  } while (in.accept("and"));
  return made;
}

Result<void> no_conditions(TokenStream& in) {
  if (in.is("if")) return refuse(Refused::Conditions, in.place());
  return {};
}

bool begins_selection(const Token& token) {
  return token.symbol("*") || token.kind == TokenKind::QuotedName ||
         (token.kind == TokenKind::Name && token.value != "as" &&
          (!reserved(token.value) || token.value == "token"));
}

Result<std::vector<ast::OrderBy>> order_by(TokenStream& in) {
  std::vector<ast::OrderBy> orders;
  do {
    ast::OrderBy order{TRY(in.name("a column")), false};
    if (in.accept("desc")) {
      order.descending = true;
    } else {
      in.accept("asc");
    }
    orders.push_back(std::move(order));
  } while (in.accept_symbol(","));
  return orders;
}

Result<ast::Modification> modification(TokenStream& in) {
  if (in.accept("insert")) return TRY(insert(in));
  if (in.accept("update")) return TRY(update(in));
  if (in.accept("delete")) return TRY(delete_(in));
  return in.unexpected("INSERT, UPDATE, DELETE or APPLY BATCH");
}

}  // namespace

Result<ast::Select> select(TokenStream& in) {
  ast::Select made;
  if (in.is("json") && begins_selection(in.peek(1))) return refuse(Refused::Json, in.place());
  if (in.is("distinct") && begins_selection(in.peek(1))) {
    in.next();
    made.distinct = true;
  }
  if (!in.accept_symbol("*")) {
    do {
      made.selectors.push_back(TRY(selector(in)));
      if (in.accept("as")) made.selectors.back().alias = TRY(in.name("an alias"));
    } while (in.accept_symbol(","));
  }
  TRY(in.expect("from"));
  made.table = TRY(table_name(in));
  if (in.accept("where")) made.where = TRY(where(in));
  if (in.is("group") && in.is("by", 1)) return refuse(Refused::GroupBy, in.place());
  if (in.accept_words("order", "by")) made.order_by = TRY(order_by(in));
  if (in.is("per") && in.is("partition", 1)) {
    in.next();
    in.next();
    TRY(in.expect("limit"));
    made.per_partition_limit = TRY(term(in));
  }
  if (in.accept("limit")) made.limit = TRY(term(in));
  if (in.accept("allow")) {
    TRY(in.expect("filtering"));
    made.allow_filtering = true;
  }
  return made;
}

Result<ast::Insert> insert(TokenStream& in) {
  ast::Insert made;
  TRY(in.expect("into"));
  made.table = TRY(table_name(in));
  if (in.is("json")) return refuse(Refused::Json, in.place());
  TRY(in.expect_symbol("("));
  do made.columns.push_back(TRY(in.name("a column")));
  while (in.accept_symbol(","));
  TRY(in.expect_symbol(")"));
  TRY(in.expect("values"));
  TRY(in.expect_symbol("("));
  made.values = TRY(term_list(in));
  TRY(no_conditions(in));
  made.with = TRY(using_clause(in));
  return made;
}

Result<ast::Update> update(TokenStream& in) {
  ast::Update made;
  made.table = TRY(table_name(in));
  made.with = TRY(using_clause(in));
  TRY(in.expect("set"));
  do {
    std::string column = TRY(in.name("a column"));
    if (in.peek().symbol("[") || in.peek().symbol("."))
      return refuse(Refused::ElementAccess, in.place());
    if (in.peek().symbol("+") || in.peek().symbol("-"))
      return refuse(Refused::Arithmetic, in.place());
    TRY(in.expect_symbol("="));
    made.assignments.emplace_back(std::move(column), TRY(term(in)));
    if (in.peek().symbol("+") || in.peek().symbol("-"))
      return refuse(Refused::Arithmetic, in.place());
  } while (in.accept_symbol(","));
  TRY(in.expect("where"));
  made.where = TRY(where(in));
  TRY(no_conditions(in));
  return made;
}

Result<ast::Delete> delete_(TokenStream& in) {
  ast::Delete made;
  if (!in.is("from")) {
    do {
      made.columns.push_back(TRY(in.name("a column")));
      if (in.peek().symbol("[") || in.peek().symbol("."))
        return refuse(Refused::ElementAccess, in.place());
    } while (in.accept_symbol(","));
  }
  TRY(in.expect("from"));
  made.table = TRY(table_name(in));
  made.with = TRY(using_clause(in));
  TRY(in.expect("where"));
  made.where = TRY(where(in));
  TRY(no_conditions(in));
  return made;
}

Result<ast::Batch> batch(TokenStream& in) {
  ast::Batch made;
  if (in.is("counter")) return refuse(Refused::Counters, in.place());
  in.accept("unlogged");
  TRY(in.expect("batch"));
  made.with = TRY(using_clause(in));
  while (!in.accept("apply")) {
    made.statements.push_back(TRY(modification(in)));
    in.accept_symbol(";");
  }
  TRY(in.expect("batch"));
  return made;
}

}  // namespace penstock::cql_server::grammar
