// SPDX-License-Identifier: Apache-2.0
#include "cql/grammar.h"
#include "cql/unsupported.h"

namespace penstock::cql_server::grammar {
namespace {

bool accept_keyspace(TokenStream& in) {
  return in.accept("keyspace") || in.accept("schema");
}
bool accept_table(TokenStream& in) {
  return in.accept("table") || in.accept("columnfamily");
}

Result<bool> if_not_exists(TokenStream& in) {
  if (!in.accept("if")) return false;
  TRY(in.expect("not"));
  TRY(in.expect("exists"));
  return true;
}
Result<bool> if_exists(TokenStream& in) {
  if (!in.accept("if")) return false;
  TRY(in.expect("exists"));
  return true;
}

// INDEX, VIEW, TYPE and the like after CREATE, ALTER or DROP.
Failure refused_object(TokenStream& in) {
  const std::string place = in.place();
  if (in.is("or") && in.is("replace", 1)) {
    in.next();
    in.next();
  }
  if (in.is("custom") || in.is("index")) return refuse(Refused::Indexes, place);
  if (in.is("materialized")) return refuse(Refused::Views, place);
  if (in.is("type")) return refuse(Refused::UserTypes, place);
  if (in.is("function") || in.is("aggregate")) return refuse(Refused::Functions, place);
  if (in.is("trigger")) return refuse(Refused::Triggers, place);
  if (in.is("role") || in.is("user") || in.is("identity")) return refuse(Refused::Roles, place);
  return in.unexpected("KEYSPACE or TABLE");
}

Result<ast::Property> property_value(TokenStream& in) {
  ast::Property made;
  if (in.accept_symbol("{")) {
    made.is_map = true;
    if (in.accept_symbol("}")) return made;
    for (;;) {
      if (in.peek().kind != TokenKind::String) return in.unexpected("a string as the key");
      std::string key = in.next().value;
      TRY(in.expect_symbol(":"));
      const ast::Term value = TRY(term(in));
      if (value.kind != ast::Term::Kind::Literal || value.literal == ast::Literal::Null)
        return in.unexpected("a constant as the value");
      made.map.emplace_back(std::move(key), value.text);
      if (in.accept_symbol("}")) return made;
      TRY(in.expect_symbol(","));
    }
  }
  const ast::Term value = TRY(term(in));
  if (value.kind != ast::Term::Kind::Literal) return in.unexpected("a constant");
  made.literal = value.literal;
  made.text = value.text;
  return made;
}

Result<std::vector<ast::Property>> optional_properties(TokenStream& in) {
  if (!in.accept("with")) return std::vector<ast::Property>{};
  return properties(in);
}

Result<ast::ColumnSpec> column_spec(TokenStream& in) {
  ast::ColumnSpec made;
  made.name = TRY(in.name("a column"));
  made.type = TRY(type_name(in));
  made.is_static = in.accept("static");
  if (in.is("masked")) return refuse(Refused::ColumnMasks, in.place());
  return made;
}

// PRIMARY KEY ((a, b), c, d): after the words.
Result<void> primary_key(TokenStream& in, ast::CreateTable& made) {
  if (!made.partition_key.empty())
    return fail(Code::InvalidArgument, "{} multiple PRIMARY KEYs specified (exactly one required)",
                in.place());
  TRY(in.expect_symbol("("));
  if (in.accept_symbol("(")) {
    do made.partition_key.push_back(TRY(in.name("a column")));
    while (in.accept_symbol(","));
    TRY(in.expect_symbol(")"));
  } else {
    made.partition_key.push_back(TRY(in.name("a column")));
  }
  while (in.accept_symbol(",")) made.clustering.push_back(TRY(in.name("a column")));
  return in.expect_symbol(")");
}

Result<void> table_columns(TokenStream& in, ast::CreateTable& made) {
  TRY(in.expect_symbol("("));
  do {
    if (in.accept_words("primary", "key")) {
      TRY(primary_key(in, made));
      continue;
    }
    made.columns.push_back(TRY(column_spec(in)));
    if (in.accept_words("primary", "key")) {
      if (!made.partition_key.empty())
        return fail(Code::InvalidArgument,
                    "{} multiple PRIMARY KEYs specified (exactly one required)", in.place());
      made.partition_key.push_back(made.columns.back().name);
    }
  } while (in.accept_symbol(","));
  return in.expect_symbol(")");
}

Result<void> clustering_order(TokenStream& in, ast::CreateTable& made) {
  TRY(in.expect("order"));
  TRY(in.expect("by"));
  TRY(in.expect_symbol("("));
  do {
    ast::OrderBy order{TRY(in.name("a column")), false};
    if (in.accept("desc")) {
      order.descending = true;
    } else {
      TRY(in.expect("asc"));
    }
    made.clustering_order.push_back(std::move(order));
  } while (in.accept_symbol(","));
  return in.expect_symbol(")");
}

Result<ast::CreateTable> create_table(TokenStream& in) {
  ast::CreateTable made;
  made.if_not_exists = TRY(if_not_exists(in));
  made.table = TRY(table_name(in));
  TRY(table_columns(in, made));
  if (!in.accept("with")) return made;
  do {
    if (in.is("compact") && in.is("storage", 1)) return refuse(Refused::CompactStorage, in.place());
    if (in.accept("clustering")) {
      TRY(clustering_order(in, made));
      continue;
    }
    ast::Property property;
    std::string name = TRY(in.name("an option"));
    TRY(in.expect_symbol("="));
    property = TRY(property_value(in));
    property.name = std::move(name);
    made.properties.push_back(std::move(property));
  } while (in.accept("and"));
  return made;
}

Result<ast::AlterTable> alter_columns(TokenStream& in, ast::AlterTable made) {
  using Kind = ast::AlterTable::Kind;
  if (in.accept("add")) {
    made.kind = Kind::Add;
    made.if_column = TRY(if_not_exists(in));
    const bool parentheses = in.accept_symbol("(");
    do made.add.push_back(TRY(column_spec(in)));
    while (in.accept_symbol(","));
    if (parentheses) TRY(in.expect_symbol(")"));
  } else if (in.accept("drop")) {
    made.kind = Kind::Drop;
    if (in.is("compact") && in.is("storage", 1)) return refuse(Refused::CompactStorage, in.place());
    made.if_column = TRY(if_exists(in));
    const bool parentheses = in.accept_symbol("(");
    do made.drop.push_back(TRY(in.name("a column")));
    while (in.accept_symbol(","));
    if (parentheses) TRY(in.expect_symbol(")"));
  } else if (in.accept("rename")) {
    made.kind = Kind::Rename;
    made.if_column = TRY(if_exists(in));
    do {
      std::string from = TRY(in.name("a column"));
      TRY(in.expect("to"));
      made.rename.emplace_back(std::move(from), TRY(in.name("a column")));
    } while (in.accept("and"));
  } else if (in.accept("with")) {
    made.properties = TRY(properties(in));
  } else if (in.is("alter")) {
    return fail(Code::Unsupported, "{} Altering column types is no longer supported", in.place());
  } else {
    return in.unexpected("ADD, DROP, RENAME or WITH");
  }
  return made;
}

}  // namespace

Result<std::vector<ast::Property>> properties(TokenStream& in) {
  std::vector<ast::Property> made;
  do {
    std::string name = TRY(in.name("an option"));
    TRY(in.expect_symbol("="));
    made.push_back(TRY(property_value(in)));
    made.back().name = std::move(name);
  } while (in.accept("and"));
  return made;
}

Result<ast::Body> create(TokenStream& in) {
  if (accept_keyspace(in)) {
    ast::CreateKeyspace made;
    made.if_not_exists = TRY(if_not_exists(in));
    made.name = TRY(in.name("the name of a keyspace"));
    made.properties = TRY(optional_properties(in));
    return made;
  }
  if (accept_table(in)) return TRY(create_table(in));
  return refused_object(in);
}

Result<ast::Body> alter(TokenStream& in) {
  if (accept_keyspace(in)) {
    ast::AlterKeyspace made;
    made.if_exists = TRY(if_exists(in));
    made.name = TRY(in.name("the name of a keyspace"));
    TRY(in.expect("with"));
    made.properties = TRY(properties(in));
    return made;
  }
  if (accept_table(in)) {
    ast::AlterTable made;
    made.if_exists = TRY(if_exists(in));
    made.table = TRY(table_name(in));
    return TRY(alter_columns(in, std::move(made)));
  }
  return refused_object(in);
}

Result<ast::Body> drop(TokenStream& in) {
  if (accept_keyspace(in)) {
    ast::DropKeyspace made;
    made.if_exists = TRY(if_exists(in));
    made.name = TRY(in.name("the name of a keyspace"));
    return made;
  }
  if (accept_table(in)) {
    ast::DropTable made;
    made.if_exists = TRY(if_exists(in));
    made.table = TRY(table_name(in));
    return made;
  }
  return refused_object(in);
}

Result<ast::Truncate> truncate(TokenStream& in) {
  accept_table(in);
  return ast::Truncate{TRY(table_name(in))};
}

Result<ast::Use> use(TokenStream& in) {
  return ast::Use{TRY(in.name("the name of a keyspace"))};
}

Result<ast::Describe> describe(TokenStream& in) {
  using What = ast::Describe::What;
  ast::Describe made;
  const auto ends = [&in] {
    return in.peek(1).kind == TokenKind::End || in.peek(1).symbol(";") || in.is("with", 1);
  };
  if (in.is("cluster") && ends()) {
    in.next();
    made.what = What::Cluster;
  } else if (in.is("full") && in.is("schema", 1)) {
    in.next();
    in.next();
    made.what = What::FullSchema;
  } else if (in.accept("schema")) {
    made.what = What::Schema;
  } else if (in.is("keyspaces") && ends()) {
    in.next();
    made.what = What::Keyspaces;
  } else if (in.is("tables") && ends()) {
    in.next();
    made.what = What::Tables;
  } else if ((in.is("types") || in.is("functions") || in.is("aggregates")) && ends()) {
    in.next();
    made.what = What::Nothing;
  } else if (in.accept("materialized")) {
    return refuse(Refused::Views, in.place());
  } else if (in.accept("index")) {
    return refuse(Refused::Indexes, in.place());
  } else {
    if (in.is("only") && in.is("keyspace", 1)) in.next();
    if (in.accept("keyspace")) {
      made.what = What::Keyspace;
      if (!in.at_end() && !in.peek().symbol(";") && !in.is("with"))
        made.name = TRY(in.name("the name of a keyspace"));
    } else {
      made.what = accept_table(in) ? What::Table : What::Any;
      const ast::TableName named = TRY(table_name(in));
      made.keyspace = named.keyspace;
      made.name = named.table;
    }
  }
  if (in.accept("with")) {
    TRY(in.expect("internals"));
    made.internals = true;
  }
  return made;
}

}  // namespace penstock::cql_server::grammar
