// SPDX-License-Identifier: Apache-2.0
#include "cql/grammar.h"
#include "cql/unsupported.h"

namespace penstock::cql_server::grammar {
namespace {

using ast::Literal;
using ast::Term;

Term literal(Literal kind, std::string text) {
  Term term;
  term.literal = kind;
  term.text = std::move(text);
  return term;
}

// Elements up to `close`; maps give keys and values in turn.
Result<Term> collection(TokenStream& in, Term::Kind kind, std::string_view close) {
  Term made;
  made.kind = kind;
  if (in.accept_symbol(close)) return made;
  for (bool first = true;; first = false) {
    made.items.push_back(TRY(term(in)));
    if (first && kind == Term::Kind::Set && in.peek().symbol(":")) made.kind = Term::Kind::Map;
    if (made.kind == Term::Kind::Map) {
      TRY(in.expect_symbol(":"));
      made.items.push_back(TRY(term(in)));
    }
    if (in.accept_symbol(close)) return made;
    TRY(in.expect_symbol(","));
  }
}

Result<Term> negative(TokenStream& in) {
  const Token token = in.peek();
  switch (token.kind) {
    case TokenKind::Integer:
      in.next();
      return literal(Literal::Integer, "-" + token.value);
    case TokenKind::Float:
      in.next();
      return literal(Literal::Float, "-" + token.value);
    case TokenKind::Duration:
      in.next();
      return literal(Literal::Duration, "-" + token.value);
    default:
      break;
  }
  if (in.accept("infinity")) return literal(Literal::Float, "-Infinity");
  if (in.accept("nan")) return literal(Literal::Float, "NaN");
  return in.unexpected("a number after '-'");
}

Result<Term> word_term(TokenStream& in) {
  if (in.accept("null")) return literal(Literal::Null, "null");
  if (in.accept("nan")) return literal(Literal::Float, "NaN");
  if (in.accept("infinity")) return literal(Literal::Float, "Infinity");
  const bool call = in.peek(1).symbol("(") ||
                    (in.is("system") && in.peek(1).symbol(".") && in.peek(3).symbol("("));
  if (!call) {
    if (in.accept("true")) return literal(Literal::Boolean, "true");
    if (in.accept("false")) return literal(Literal::Boolean, "false");
    if (in.peek(1).symbol("+") || in.peek(1).symbol("-"))
      return refuse(Refused::Arithmetic, in.place());
    return in.unexpected("a value");
  }
  if (in.peek(1).symbol(".")) {
    in.next();
    in.next();
  }
  Term made;
  made.kind = Term::Kind::Call;
  made.text = in.next().value;
  in.next();
  made.items = TRY(term_list(in));
  return made;
}

Result<Term> marker(TokenStream& in) {
  Term made;
  made.kind = Term::Kind::Marker;
  if (in.accept_symbol("?")) {
    made.marker = in.add_marker({});
    return made;
  }
  in.next();
  const Token& token = in.peek();
  if (token.kind != TokenKind::Name && token.kind != TokenKind::QuotedName)
    return in.unexpected("the name of a bind marker");
  made.marker = in.add_marker(in.next().value);
  return made;
}

Result<ast::Op> comparison(TokenStream& in) {
  if (in.accept_symbol("=")) return ast::Op::Eq;
  if (in.accept_symbol("<=")) return ast::Op::Le;
  if (in.accept_symbol("<")) return ast::Op::Lt;
  if (in.accept_symbol(">=")) return ast::Op::Ge;
  if (in.accept_symbol(">")) return ast::Op::Gt;
  if (in.accept("in")) return ast::Op::In;
  if (in.peek().symbol("!=") || in.is("like") || in.is("contains") || in.is("is") || in.is("not"))
    return refuse(Refused::Like, in.place());
  if (in.peek().symbol("[") || in.peek().symbol("."))
    return refuse(Refused::ElementAccess, in.place());
  return in.unexpected("one of =, <, <=, >, >=, IN");
}

Result<std::vector<std::string>> names_in_parentheses(TokenStream& in) {
  std::vector<std::string> names;
  do names.push_back(TRY(in.name("a column")));
  while (in.accept_symbol(","));
  TRY(in.expect_symbol(")"));
  return names;
}

Result<ast::Relation> relation(TokenStream& in) {
  ast::Relation made;
  if (in.is("token") && in.peek(1).symbol("(")) {
    in.next();
    in.next();
    made.token = true;
    made.columns = TRY(names_in_parentheses(in));
  } else if (in.accept_symbol("(")) {
    made.tuple = true;
    made.columns = TRY(names_in_parentheses(in));
  } else {
    made.columns.push_back(TRY(in.name("a column")));
  }
  made.op = TRY(comparison(in));
  if (made.op != ast::Op::In) {
    made.values.push_back(TRY(term(in)));
  } else if (in.accept_symbol("(")) {
    made.values = TRY(term_list(in));
  } else if (in.peek().symbol("?") || in.peek().symbol(":")) {
    made.in_marker = true;
    made.values.push_back(TRY(term(in)));
  } else {
    return in.unexpected("'(' or a bind marker");
  }
  return made;
}

Result<ast::Selector> call_selector(TokenStream& in) {
  ast::Selector made;
  made.name = in.next().value;
  in.next();
  using Kind = ast::Selector::Kind;
  if (made.name == "count" &&
      (in.peek().symbol("*") || (in.peek().kind == TokenKind::Integer && in.peek(1).symbol(")")))) {
    in.next();
    made.kind = Kind::CountRows;
    TRY(in.expect_symbol(")"));
    return made;
  }
  if (made.name == "cast") {
    made.kind = Kind::Cast;
    made.args.push_back(TRY(selector(in)));
    TRY(in.expect("as"));
    made.type = TRY(type_name(in));
    TRY(in.expect_symbol(")"));
    return made;
  }
  made.kind = made.name == "writetime" ? Kind::WriteTime
              : made.name == "ttl"     ? Kind::Ttl
                                       : Kind::Call;
  if (in.accept_symbol(")")) return made;
  do made.args.push_back(TRY(selector(in)));
  while (in.accept_symbol(","));
  TRY(in.expect_symbol(")"));
  return made;
}

}  // namespace

Result<ast::TableName> table_name(TokenStream& in) {
  ast::TableName made;
  made.table = TRY(in.name("the name of a table"));
  if (in.accept_symbol(".")) {
    made.keyspace = std::move(made.table);
    made.table = TRY(in.name("the name of a table"));
  }
  return made;
}

Result<Term> term(TokenStream& in) {
  const auto nested = in.nest();
  if (!nested) return in.too_deep();
  const Token& token = in.peek();
  switch (token.kind) {
    case TokenKind::String:
      return literal(Literal::String, in.next().value);
    case TokenKind::Integer:
      return literal(Literal::Integer, in.next().value);
    case TokenKind::Float:
      return literal(Literal::Float, in.next().value);
    case TokenKind::Blob:
      return literal(Literal::Blob, in.next().value);
    case TokenKind::Uuid:
      return literal(Literal::Uuid, in.next().value);
    case TokenKind::Duration:
      return literal(Literal::Duration, in.next().value);
    case TokenKind::Name:
    case TokenKind::QuotedName:
      return word_term(in);
    default:
      break;
  }
  if (token.symbol("?") || token.symbol(":")) return marker(in);
  if (in.accept_symbol("-")) return negative(in);
  if (in.accept_symbol("[")) return collection(in, Term::Kind::List, "]");
  if (in.accept_symbol("{")) return collection(in, Term::Kind::Set, "}");
  if (in.accept_symbol("(")) return collection(in, Term::Kind::Tuple, ")");
  return in.unexpected("a value");
}

Result<std::vector<Term>> term_list(TokenStream& in) {
  std::vector<Term> terms;
  if (in.accept_symbol(")")) return terms;
  do terms.push_back(TRY(term(in)));
  while (in.accept_symbol(","));
  TRY(in.expect_symbol(")"));
  return terms;
}

Result<std::string> type_name(TokenStream& in) {
  const auto nested = in.nest();
  if (!nested) return in.too_deep();
  const Token& token = in.peek();
  if (token.kind == TokenKind::String || token.kind == TokenKind::Integer)
    return quoted_text(in.next().value);
  std::string text = in.is("set") ? in.next().value : TRY(in.name("a type"));  // a reserved word
  if (in.accept_symbol(".")) text += "." + TRY(in.name("a type"));
  if (!in.accept_symbol("<")) return text;
  text += '<';
  for (;;) {
    text += in.peek().kind == TokenKind::Integer ? in.next().value : TRY(type_name(in));
    if (in.accept_symbol(">")) return text + '>';
    TRY(in.expect_symbol(","));
    text += ", ";
  }
}

Result<ast::Selector> selector(TokenStream& in) {
  const auto nested = in.nest();
  if (!nested) return in.too_deep();
  if (in.is("system") && in.peek(1).symbol(".") && in.peek(3).symbol("(")) {
    in.next();
    in.next();
  }
  const Token& token = in.peek();
  const bool name = token.kind == TokenKind::QuotedName ||
                    (token.kind == TokenKind::Name && !reserved(token.value));
  if ((name || in.is("token")) && in.peek(1).symbol("(")) return call_selector(in);
  ast::Selector made;
  if (name) {
    made.name = in.next().value;
    if (in.peek().symbol("[") || in.peek().symbol("."))
      return refuse(Refused::ElementAccess, in.place());
    return made;
  }
  made.kind = ast::Selector::Kind::Value;
  made.value = TRY(term(in));
  return made;
}

Result<std::vector<ast::Relation>> where(TokenStream& in) {
  std::vector<ast::Relation> relations;
  do relations.push_back(TRY(relation(in)));
  while (in.accept("and"));
  return relations;
}

}  // namespace penstock::cql_server::grammar
