// SPDX-License-Identifier: Apache-2.0
#include "cql/value_source.h"

#include "cql/lexer.h"
#include "wire/cql/values.h"

namespace penstock::cql_server {
namespace {

using ast::Literal;
using cql::ColumnSpec;
using cql::TypeRef;

std::string_view literal_name(Literal literal) {
  switch (literal) {
    case Literal::Null:
      return "NULL";
    case Literal::String:
      return "STRING";
    case Literal::Integer:
      return "INTEGER";
    case Literal::Float:
      return "FLOAT";
    case Literal::Boolean:
      return "BOOLEAN";
    case Literal::Uuid:
      return "UUID";
    case Literal::Blob:
      return "HEX";
    case Literal::Duration:
      return "DURATION";
  }
  return "?";
}

// Which spellings a scalar type takes, as Cassandra's Constants does.
bool fits(Literal literal, cql::Kind kind) {
  using cql::Kind;
  switch (kind) {
    case Kind::Ascii:
    case Kind::Text:
    case Kind::Inet:
      return literal == Literal::String;
    case Kind::Blob:
      return literal == Literal::Blob;
    case Kind::Boolean:
      return literal == Literal::Boolean;
    case Kind::Uuid:
    case Kind::Timeuuid:
      return literal == Literal::Uuid;
    case Kind::Duration:
      return literal == Literal::Duration;
    case Kind::Date:
    case Kind::Time:
    case Kind::Timestamp:
      return literal == Literal::String || literal == Literal::Integer;
    case Kind::Decimal:
    case Kind::Double:
    case Kind::Float:
      return literal == Literal::Integer || literal == Literal::Float;
    case Kind::Bigint:
    case Kind::Counter:
    case Kind::Int:
    case Kind::Smallint:
    case Kind::Tinyint:
    case Kind::Varint:
      return literal == Literal::Integer;
    default:
      return false;
  }
}

// The text of a constant term; nothing if a part of it is not constant.
std::optional<std::string> literal_text(const ast::Term& term) {
  using Kind = ast::Term::Kind;
  if (term.kind == Kind::Literal)
    return term.literal == Literal::String ? quoted_text(term.text) : term.text;
  if (term.kind == Kind::Marker || term.kind == Kind::Call) return std::nullopt;
  const bool map = term.kind == Kind::Map;
  std::string text(1, term.kind == Kind::List ? '[' : term.kind == Kind::Tuple ? '(' : '{');
  for (std::size_t i = 0; i < term.items.size(); ++i) {
    const auto item = literal_text(term.items[i]);
    if (!item) return std::nullopt;
    if (i > 0) text += map && i % 2 == 1 ? ": " : ", ";
    text += *item;
  }
  return text + (term.kind == Kind::List ? ']' : term.kind == Kind::Tuple ? ')' : '}');
}

Result<Bytes> constant_of(const ast::Term& term, const ColumnSpec& receiver) {
  Bytes bytes;
  if (receiver.type.scalar()) {
    if (term.kind != ast::Term::Kind::Literal)
      return fail(Code::InvalidArgument, "Invalid collection literal for \"{}\" of type {}",
                  receiver.name, receiver.type.text());
    if (!fits(term.literal, receiver.type.kind()))
      return fail(Code::InvalidArgument, "Invalid {} constant ({}) for \"{}\" of type {}",
                  literal_name(term.literal), term.text, receiver.name, receiver.type.text());
    // A timestamp's or date's number is its value, and a Boolean's or blob's text is its literal.
    const std::string text = term.literal == Literal::String ? quoted_text(term.text) : term.text;
    TRY_WITH(
        cql::parse_literal(receiver.type, text, bytes),
        fmt::format("Invalid {} constant ({}) for \"{}\" of type {}", literal_name(term.literal),
                    term.text, receiver.name, receiver.type.text()));
    return bytes;
  }
  const auto text = literal_text(term);
  if (!text)
    return fail(
        Code::Unsupported,
        "bind the whole collection \"{}\": markers and functions inside one are not supported",
        receiver.name);
  TRY_WITH(cql::parse_literal(receiver.type, *text, bytes),
           fmt::format("Invalid literal for \"{}\"", receiver.name));
  return bytes;
}

}  // namespace

void MarkerSpecs::set(std::size_t marker, const ColumnSpec& receiver) {
  ColumnSpec spec = receiver;
  if (!names_[marker].empty()) spec.name = names_[marker];
  specs_[marker] = std::move(spec);
}

Result<std::vector<ColumnSpec>> MarkerSpecs::take() {
  std::vector<ColumnSpec> specs;
  specs.reserve(specs_.size());
  for (auto& spec : specs_) {
    if (!spec)
      return fail(Code::InvalidArgument, "a bind marker stands where its type cannot be known");
    specs.push_back(std::move(*spec));
  }
  return specs;
}

Result<ValueSource> ValueSource::compile(const ast::Term& term, const ColumnSpec& receiver,
                                         const table::TableDef& table, MarkerSpecs& markers) {
  ValueSource made;
  made.receiver_ = receiver;
  if (term.kind == ast::Term::Kind::Marker) {
    made.kind_ = Kind::Marker;
    made.marker_ = term.marker;
    markers.set(term.marker, receiver);
    return made;
  }
  if (term.kind == ast::Term::Kind::Call) return compile_call(term, receiver, table, markers);
  if (term.kind == ast::Term::Kind::Literal && term.literal == Literal::Null) return made;
  made.kind_ = Kind::Constant;
  made.constant_ = TRY(constant_of(term, receiver));
  return made;
}

ValueSource ValueSource::constant(Bytes value, ColumnSpec receiver) {
  ValueSource made;
  made.kind_ = Kind::Constant;
  made.constant_ = std::move(value);
  made.receiver_ = std::move(receiver);
  return made;
}

Result<ValueSource> ValueSource::compile_call(const ast::Term& term, const ColumnSpec& receiver,
                                              const table::TableDef& table, MarkerSpecs& markers) {
  const auto overloads = scalar_functions(term.text, table);
  if (overloads.empty()) return unknown_function(term.text);
  Error last{Code::InvalidArgument, {}};
  for (const ScalarFunction& function : overloads) {
    // A timeuuid is a uuid.
    const bool result_fits =
        function.returns == receiver.type ||
        (function.returns.kind() == cql::Kind::Timeuuid && receiver.type.kind() == cql::Kind::Uuid);
    if (!result_fits) {
      if (last.message.empty())
        last.message = fmt::format(
            "Type error: cannot assign result of function system.{} (type {}) to {} (type {})",
            function.name, function.returns.text(), receiver.name, receiver.type.text());
      continue;
    }
    if (function.arguments.size() != term.items.size()) {
      last.message = fmt::format(
          "Invalid number of arguments in call to function system.{}: {} required but {} provided",
          function.name, function.arguments.size(), term.items.size());
      continue;
    }
    ValueSource made;
    made.kind_ = Kind::Call;
    made.receiver_ = receiver;
    made.function_ = std::make_shared<const ScalarFunction>(function);
    bool arguments_fit = true;
    for (std::size_t i = 0; i < term.items.size() && arguments_fit; ++i) {
      ColumnSpec argument{receiver.keyspace, receiver.table,
                          fmt::format("arg{}(system.{})", i, function.name), function.arguments[i]};
      if (function.name == "token") argument.name = table.partition_key()[i].name;
      auto compiled = compile(term.items[i], argument, table, markers);
      arguments_fit = compiled.has_value();
      if (compiled) {
        made.arguments_.push_back(std::move(*compiled));
      } else {
        last = std::move(compiled.error());
      }
    }
    if (arguments_fit) return made;
  }
  return fail(std::move(last));
}

Result<void> ValueSource::check(BytesView value) const {
  auto valid = cql::validate(receiver_.type, value);
  if (!valid) [[unlikely]]
    return fail(std::move(valid.error())
                    .with(fmt::format("Invalid value for \"{}\" of type {}", receiver_.name,
                                      receiver_.type.text())));
  return {};
}

Result<cql::CellValue> ValueSource::call(const Context& context, Arena& arena) const {
  std::vector<BytesView> arguments;
  for (const ValueSource& source : arguments_) {
    const cql::CellValue argument = TRY(source.value(context, arena));
    if (argument.is_unset())
      return fail(Code::InvalidArgument, "Invalid unset value for argument in call to function {}",
                  function_->name);
    if (argument.is_null()) return cql::CellValue::null();
    if (argument.size() == 0 && cql::fixed_bytes(source.type().kind()))
      return cql::CellValue::null();  // "empty" has no moment
    arguments.push_back(argument.view());
  }
  auto result = TRY(function_->call(arguments, context));
  if (!result) return cql::CellValue::null();
  return cql::CellValue(arena.emplace_back(std::move(*result)));
}

ColumnSpec spec_of(const table::TableDef& table, const table::ColumnDef& column) {
  return {table.keyspace, table.name, column.name, column.type};
}

}  // namespace penstock::cql_server
