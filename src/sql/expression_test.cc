// SPDX-License-Identifier: Apache-2.0
#include "sql/expression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <variant>

#include "sql/binder.h"
#include "sql/parser.h"
#include "sql/text_values.h"

namespace penstock::sql {
namespace {

const Fields kFields{{"id", Type::Text, true},     {"email", Type::Text, false},
                     {"n", Type::Bigint, false},   {"x", Type::Double, false},
                     {"ok", Type::Boolean, false}, {"at", Type::Timestamp, false},
                     {"key", Type::Uuid, false}};

struct Batch {
  std::vector<Column> columns;
  ColumnPointers pointers() const {
    ColumnPointers out;
    for (const Column& column : columns) out.push_back(&column);
    return out;
  }
  Selection all() const {
    Selection rows;
    for (std::uint32_t i = 0; i < columns[0].size(); ++i) rows.push_back(i);
    return rows;
  }
};

// One row: a text for each field, "~" for null.
Batch batch(const std::vector<std::vector<std::string>>& rows) {
  Batch out;
  for (const Field& field : kFields) out.columns.emplace_back(field.type);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      if (row[i] == "~") {
        out.columns[i].append_null();
      } else {
        EXPECT_TRUE(append_parsed(out.columns[i], row[i])) << row[i];
      }
    }
  }
  return out;
}

const Batch& one_row() {
  static const Batch row =
      batch({{"a1", " Zoé@Example.COM ", "7", "2.5", "true", "2023-10-01T12:00:00Z",
              "d23f0824-128b-4f33-8c5c-7fd0a6a3a450"}});
  return row;
}

std::string shown(const Column& column, std::size_t row) {
  return column.has_value(row) ? cell_text(column, row) : "NULL";
}

// The value of an expression for the one row, or "error: ...".
std::string value_of(std::string_view text) {
  const auto expression = Expression::parse(text, kFields);
  if (!expression) return expression.error().text();
  RowErrors errors;
  const Column out = expression->evaluate(one_row().pointers(), {0}, errors);
  if (!errors.empty()) return "error: " + errors.all()[0].second;
  return shown(out, 0);
}

TEST(Expression, StringFunctions) {
  EXPECT_EQ(value_of("lower(trim(email))"), "zoé@example.com");
  EXPECT_EQ(value_of("upper('straße é')"), "STRAßE É");
  EXPECT_EQ(value_of("length('Zoé')"), "3");
  EXPECT_EQ(value_of("substr('héllo', 2, 3)"), "éll");
  EXPECT_EQ(value_of("substring('hello', -3)"), "llo");
  EXPECT_EQ(value_of("substr('hello', 0, 2)"), "he");
  EXPECT_EQ(value_of("substr('hello', -9, 6)"), "he");
  EXPECT_EQ(value_of("substr('hello', 9)"), "");
  EXPECT_EQ(value_of("substr('hello', 2, -1)"), "");
  EXPECT_EQ(value_of("concat(id, '-', n, '-', ok)"), "a1-7-true");
  EXPECT_EQ(value_of("id || null"), "NULL");
  EXPECT_EQ(value_of("ltrim('  a ') || '|' || rtrim(' a  ')"), "a | a");
  EXPECT_EQ(value_of("replace('aXbXc', 'X', '--')"), "a--b--c");
  EXPECT_EQ(value_of("'it''s'"), "it's");
}

TEST(Expression, LikeMatchesWholeTextsByCharacters) {
  EXPECT_EQ(value_of("'abc' like 'a%'"), "true");
  EXPECT_EQ(value_of("'Zoé' like 'Zo_'"), "true");
  EXPECT_EQ(value_of("'abc' like 'b%'"), "false");
  EXPECT_EQ(value_of("'a%c' like 'a\\%c'"), "true");
  EXPECT_EQ(value_of("'abc' like 'a\\%c'"), "false");
  EXPECT_EQ(value_of("'aXbXXc' not like '%X%Xc'"), "false");
  EXPECT_EQ(value_of("'' like '%'"), "true");
}

TEST(Expression, LogicIsThreeValued) {
  EXPECT_EQ(value_of("null and false"), "false");
  EXPECT_EQ(value_of("null and true"), "NULL");
  EXPECT_EQ(value_of("null or true"), "true");
  EXPECT_EQ(value_of("null or false"), "NULL");
  EXPECT_EQ(value_of("not null"), "NULL");
  EXPECT_EQ(value_of("id = null"), "NULL");
  EXPECT_EQ(value_of("id is null"), "false");
  EXPECT_EQ(value_of("null is null"), "true");
  EXPECT_EQ(value_of("n in (1, 2, null)"), "NULL");
  EXPECT_EQ(value_of("n in (1, 7, null)"), "true");
  EXPECT_EQ(value_of("n not in (1, 2)"), "true");
  EXPECT_EQ(value_of("n between 7 and null"), "NULL");
  EXPECT_EQ(value_of("n between 8 and null"), "false");
}

TEST(Expression, CaseCoalesceAndNullif) {
  EXPECT_EQ(value_of("case when n > 5 then 'big' when n > 1 then 'mid' end"), "big");
  EXPECT_EQ(value_of("case n when 1 then 'one' when 7 then 'seven' else '?' end"), "seven");
  EXPECT_EQ(value_of("case n when 1 then 'one' end"), "NULL");
  EXPECT_EQ(value_of("coalesce(null, nullif(id, 'a1'), 'rest')"), "rest");
  EXPECT_EQ(value_of("if(ok, 1, 2.5)"), "1.0");
}

TEST(Expression, ArithmeticFollowsSpark) {
  EXPECT_EQ(value_of("1 + 2 * 3 - -4"), "11");
  EXPECT_EQ(value_of("7 / 2"), "3.5");
  EXPECT_EQ(value_of("-7 % 3"), "-1");
  EXPECT_EQ(value_of("n * x"), "17.5");
  EXPECT_EQ(value_of("9223372036854775807 + n"), "error: the result is beyond the range of bigint");
  EXPECT_EQ(value_of("n % 0"), "error: division by zero");
  EXPECT_EQ(value_of("(-9223372036854775807 - 1) % -1"), "0");
  EXPECT_EQ(value_of("-9223372036854775808"), "-9223372036854775808");
}

TEST(Expression, CastFailsTheRowAndTryCastGivesNull) {
  EXPECT_EQ(value_of("cast(' 12 ' as int)"), "12");
  EXPECT_EQ(value_of("cast('x' as int)"), "error: 'x' cannot be cast to int");
  EXPECT_EQ(value_of("try_cast('x' as int)"), "NULL");
  EXPECT_EQ(value_of("cast(300 as tinyint)"), "error: '300' cannot be cast to tinyint");
  EXPECT_EQ(value_of("cast(x as int)"), "2");
  EXPECT_EQ(value_of("cast(at as text)"), "2023-10-01 12:00:00");
  EXPECT_EQ(value_of("cast(at as date)"), "2023-10-01");
  EXPECT_EQ(value_of("cast(cast('1969-12-31T01:00:00Z' as timestamp) as date)"), "1969-12-31");
  EXPECT_EQ(value_of("cast(key as text)"), "d23f0824-128b-4f33-8c5c-7fd0a6a3a450");
  EXPECT_EQ(value_of("at >= '2023-01-01'"), "true");
  EXPECT_EQ(value_of("key = 'D23F0824-128b-4f33-8c5c-7fd0a6a3a450'"), "true");
}

TEST(Expression, WhatNeedNotBeComputedCannotFail) {
  EXPECT_EQ(value_of("n = 0 or n % 1 = 0 or n % 0 = 1"), "true");
  EXPECT_EQ(value_of("n <> 7 and n % 0 = 1"), "false");
  EXPECT_EQ(value_of("case when n = 7 then 1 else n % 0 end"), "1");
  EXPECT_EQ(value_of("coalesce(n, n % 0)"), "7");
}

TEST(Expression, ErrorsNameThePlaceAndTheCure) {
  EXPECT_EQ(value_of("lower(emial)"),
            "line 1, column 7: unknown column emial; did you mean email?");
  EXPECT_EQ(value_of("lowr(email)"),
            "line 1, column 1: there is no function lowr; did you mean lower?");
  EXPECT_EQ(value_of("id =\n n"),
            "line 2, column 2: text and bigint do not go together; use cast()");
  EXPECT_EQ(value_of("id and ok"),
            "line 1, column 1: this is text, where boolean is needed; use cast(... as boolean)");
  EXPECT_EQ(value_of("at > 'soon'"), "line 1, column 6: 'soon' is not a timestamp");
  EXPECT_EQ(value_of("cast(at as uuid)"), "line 1, column 1: timestamp cannot be cast to uuid");
  EXPECT_EQ(value_of("id <> '"), "line 1, column 7: this text does not end: no closing '");
  EXPECT_EQ(value_of("id <>"), "line 1, column 6: expected a value, found the end");
  EXPECT_EQ(value_of("(n"), "line 1, column 3: expected ')', found the end");
  EXPECT_EQ(value_of("n n"), "line 1, column 3: expected the end or an operator, found 'n'");
  EXPECT_EQ(value_of("substr(id)"), "line 1, column 1: substr takes 2 to 3 argument(s), not 1");
  EXPECT_EQ(value_of("n + id"),
            "line 1, column 5: this is text, where a number is needed; use cast()");
  EXPECT_EQ(value_of(std::string(5000, '(') + "n"),
            "line 1, column 101: the expression is nested too deeply (more than 100 levels)");
}

TEST(Expression, FilterLeavesOutFalseNullAndFailedRows) {
  const Batch rows = batch({{"a", "~", "1", "~", "~", "~", "~"},
                            {"b", "~", "~", "~", "~", "~", "~"},
                            {"c", "~", "0", "~", "~", "~", "~"},
                            {"d", "~", "5", "~", "~", "~", "~"}});
  const auto expression = Expression::parse("10 % n = 0", kFields);
  RowErrors errors;
  EXPECT_EQ(expression->filter(rows.pointers(), rows.all(), errors), (Selection{0, 3}));
  ASSERT_EQ(errors.all().size(), 1U);
  EXPECT_EQ(errors.all()[0].first, 2U);
}

TEST(Select, StarKeepsOrderAndALaterItemReplacesItsNamesake) {
  const auto items = parse_select("*, lower(email) AS email, n + 1 next", kFields);
  ASSERT_TRUE(items) << items.error().text();
  std::string names;
  for (const SelectItem& item : *items) names += item.name + " ";
  EXPECT_EQ(names, "id email n x ok at key next ");
  EXPECT_FALSE((*items)[1].expression.bare_column());
  EXPECT_EQ((*items)[2].expression.bare_column(), 2U);
  EXPECT_EQ(parse_select("lower(email)", kFields).error().text(),
            "line 1, column 1: this column needs a name: add AS name");
}

// ---- The same expressions, computed one row at a time by the plainest means, must give the same.

struct Failed {
  friend auto operator<=>(const Failed&, const Failed&) = default;
};
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Failed>;

bool null(const Value& v) {
  return v.index() == 0;
}
bool failed(const Value& v) {
  return v.index() == 4;
}
std::int64_t integer(const Value& v) {
  return std::get<std::int64_t>(v);
}
const std::string& text(const Value& v) {
  return std::get<std::string>(v);
}
Value boolean(bool b) {
  return std::int64_t{b};
}

Value cell(const Column& column, std::size_t row) {
  if (!column.has_value(row)) return {};
  if (storage(column.type()) == Storage::Int64) return column.int_at(row);
  if (storage(column.type()) == Storage::Float64) return column.double_at(row);
  return std::string(column.bytes_at(row));
}

Value naive(const Node& node, const Batch& rows, std::size_t row);

Value naive_compare(Op op, const Value& a, const Value& b) {
  if (failed(a) || failed(b)) return Failed{};
  if (null(a) || null(b)) return {};
  if (op == Op::Eq) return boolean(a == b);
  if (op == Op::Ne) return boolean(a != b);
  if (op == Op::Lt) return boolean(a < b);
  if (op == Op::Le) return boolean(a <= b);
  if (op == Op::Gt) return boolean(a > b);
  return boolean(a >= b);
}

Value naive_cast(const Node& node, const Value& from) {
  const Type source = node.args[0].type;
  const Value bad = node.op == Op::Cast ? Value(Failed{}) : Value();
  if (node.type == Type::Text) {
    if (source == Type::Text) return from;
    if (source == Type::Boolean) return std::string(integer(from) ? "true" : "false");
    if (source == Type::Double) return format_double(std::get<double>(from), false);
    return std::to_string(integer(from));
  }
  if (node.type == Type::Double) {
    if (source == Type::Text) {
      const auto value = parse_double(text(from));
      return value ? Value(*value) : bad;
    }
    return source == Type::Double ? from : Value(static_cast<double>(integer(from)));
  }
  std::int64_t value = 0;
  if (source == Type::Text) {
    const auto parsed =
        node.type == Type::Boolean ? parse_boolean(text(from)) : parse_int(text(from));
    if (!parsed) return bad;
    value = *parsed;
  } else if (source == Type::Double) {
    const double number = std::trunc(std::get<double>(from));
    if (node.type == Type::Boolean) return boolean(std::get<double>(from) != 0);
    if (std::isnan(number) || std::fabs(number) > 9e18) return bad;
    value = static_cast<std::int64_t>(number);
  } else {
    value = node.type == Type::Boolean ? integer(from) != 0 : integer(from);
  }
  return fits(node.type, value) ? Value(value) : bad;
}

Value naive_logic(Op op, const Value& a, const Node& right, const Batch& rows, std::size_t row) {
  const bool decisive = op == Op::Or;
  if (failed(a)) return Failed{};
  if (!null(a) && (integer(a) != 0) == decisive) return a;
  const Value b = naive(right, rows, row);
  if (failed(b)) return b;
  if (!null(b) && (integer(b) != 0) == decisive) return b;
  return null(a) ? a : b;
}

Value naive_arithmetic(const Node& node, const Value& a, const Value& b) {
  if (null(a) || null(b)) return {};
  if (node.type == Type::Double) {
    const double x = std::get<double>(a);
    const double y = std::get<double>(b);
    if (node.op == Op::Add) return x + y;
    if (node.op == Op::Sub) return x - y;
    if (node.op == Op::Mul) return x * y;
    if (y == 0) return Failed{};
    return node.op == Op::Div ? x / y : std::fmod(x, y);
  }
  const __int128 x = integer(a);
  const __int128 y = integer(b);
  if (node.op == Op::Mod && y == 0) return Failed{};
  const __int128 exact = node.op == Op::Add   ? x + y
                         : node.op == Op::Sub ? x - y
                         : node.op == Op::Mul ? x * y
                                              : x % y;
  if (exact != static_cast<std::int64_t>(exact)) return Failed{};
  return static_cast<std::int64_t>(exact);
}

std::vector<std::string> characters(const std::string& utf8) {
  std::vector<std::string> out;
  for (const char c : utf8) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) out.emplace_back();
    out.back().push_back(c);
  }
  return out;
}

bool naive_like(const std::vector<std::string>& t, std::size_t i, const std::vector<std::string>& p,
                std::size_t k) {
  if (k == p.size()) return i == t.size();
  if (p[k] == "%")
    return naive_like(t, i, p, k + 1) || (i < t.size() && naive_like(t, i + 1, p, k));
  if (i == t.size()) return false;
  return (p[k] == "_" || p[k] == t[i]) && naive_like(t, i + 1, p, k + 1);
}

Value naive_text(const Node& node, const std::vector<Value>& args) {
  const std::string& first = text(args[0]);
  const auto letters = characters(first);
  if (node.op == Op::Length) return static_cast<std::int64_t>(letters.size());
  if (node.op == Op::Like) return boolean(naive_like(letters, 0, characters(text(args[1])), 0));
  std::string out;
  if (node.op == Op::Concat) {
    for (const Value& arg : args) out += text(arg);
  } else if (node.op == Op::Substr) {
    // Which positions a reader would count off.
    std::int64_t begin = integer(args[1]);
    const auto count = static_cast<std::int64_t>(letters.size());
    begin = begin > 0 ? begin - 1 : begin == 0 ? 0 : count + begin;
    const std::int64_t length =
        args.size() > 2 ? std::max<std::int64_t>(0, integer(args[2])) : count + 1000;
    for (std::int64_t i = 0; i < count; ++i) {
      if (i >= begin && i < begin + length) out += letters[static_cast<std::size_t>(i)];
    }
  } else if (node.op == Op::Trim) {
    const auto begin = first.find_first_not_of(' ');
    if (begin != std::string::npos)
      out = first.substr(begin, first.find_last_not_of(' ') - begin + 1);
  } else {
    for (std::string letter : letters) {
      if (letter == "é" && node.op == Op::Upper) letter = "É";
      if (letter == "É" && node.op == Op::Lower) letter = "é";
      if (letter.size() == 1)
        letter[0] = static_cast<char>(node.op == Op::Upper ? std::toupper(letter[0])
                                                           : std::tolower(letter[0]));
      out += letter;
    }
  }
  return out;
}

Value naive_branches(const Node& node, const Batch& rows, std::size_t row) {
  const std::size_t first = node.op == Op::SimpleCase ? 1 : 0;
  Value operand;
  if (first == 1) operand = naive(node.args[0], rows, row);
  if (failed(operand)) return operand;
  for (std::size_t i = first; i + 1 < node.args.size(); i += 2) {
    const Value condition = naive(node.args[i], rows, row);
    if (failed(condition)) return condition;
    const Value hit = first == 1 ? naive_compare(Op::Eq, operand, condition) : condition;
    if (!null(hit) && integer(hit) != 0) return naive(node.args[i + 1], rows, row);
  }
  return naive(node.args.back(), rows, row);
}

Value naive(const Node& node, const Batch& rows, std::size_t row) {
  if (node.op == Op::Column) return cell(rows.columns[node.column], row);
  if (node.op == Op::Literal) {
    if (node.type == Type::Null) return {};
    if (storage(node.type) == Storage::Bytes) return node.text;
    return node.type == Type::Double ? Value(node.number) : Value(node.integer);
  }
  if (node.op == Op::Case || node.op == Op::SimpleCase) return naive_branches(node, rows, row);
  if (node.op == Op::Coalesce) {
    for (const Node& arg : node.args) {
      Value value = naive(arg, rows, row);
      if (!null(value)) return value;
    }
    return {};
  }
  if (node.op == Op::And || node.op == Op::Or)
    return naive_logic(node.op, naive(node.args[0], rows, row), node.args[1], rows, row);
  std::vector<Value> args;
  for (const Node& arg : node.args) args.push_back(naive(arg, rows, row));
  for (const Value& arg : args) {
    if (failed(arg)) return arg;
  }
  switch (node.op) {
    case Op::IsNull:
      return boolean(null(args[0]));
    case Op::Not:
      return null(args[0]) ? Value() : boolean(integer(args[0]) == 0);
    case Op::Eq:
    case Op::Ne:
    case Op::Lt:
    case Op::Le:
    case Op::Gt:
    case Op::Ge:
      return naive_compare(node.op, args[0], args[1]);
    case Op::In: {
      bool unknown = null(args[0]);
      for (std::size_t i = 1; i < args.size(); ++i) {
        const Value same = naive_compare(Op::Eq, args[0], args[i]);
        if (!null(same) && integer(same) != 0) return same;
        unknown |= null(same);
      }
      return unknown ? Value() : boolean(false);
    }
    case Op::NullIf: {
      const Value same = naive_compare(Op::Eq, args[0], args[1]);
      return !null(same) && integer(same) != 0 ? Value() : args[0];
    }
    case Op::Cast:
    case Op::TryCast:
      return null(args[0]) ? args[0] : naive_cast(node, args[0]);
    case Op::Add:
    case Op::Sub:
    case Op::Mul:
    case Op::Div:
    case Op::Mod:
      return naive_arithmetic(node, args[0], args[1]);
    default:
      for (const Value& arg : args) {
        if (null(arg)) return {};
      }
      return naive_text(node, args);
  }
}

// Writes random SQL of a wanted type.
class Author {
 public:
  explicit Author(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }

  std::string boolean(int depth) {
    if (depth == 0) return pick({"ok", "true", "null", "n = 3", "id < 'b'"});
    switch (below(8)) {
      case 0:
        return "(" + boolean(depth - 1) + pick({" and ", " or "}) + boolean(depth - 1) + ")";
      case 1:
        return "not " + boolean(0);
      case 2:
        return "(" + number(depth - 1) + pick({" = ", " < ", " >= ", " <> "}) + number(depth - 1) +
               ")";
      case 3:
        return "(" + string(depth - 1) + pick({" = ", " > ", " <= ", " like "}) +
               string(depth - 1) + ")";
      case 4:
        return "(" + string(depth - 1) + " is" + pick({"", " not"}) + " null)";
      case 5:
        return "(" + number(depth - 1) + pick({" in (1, ", " not in (null, "}) + number(depth - 1) +
               "))";
      case 6:
        return "case when " + boolean(depth - 1) + " then " + boolean(depth - 1) + " else " +
               boolean(depth - 1) + " end";
      default:
        return "try_cast(" + string(depth - 1) + " as boolean)";
    }
  }
  std::string number(int depth) {
    if (depth == 0) return pick({"n", "3", "-1", "x", "2.5", "n", "null", "9223372036854775807"});
    switch (below(6)) {
      case 0:
        return "(" + number(depth - 1) + pick({" + ", " - ", " * ", " % ", " / "}) +
               number(depth - 1) + ")";
      case 1:
        return "length(" + string(depth - 1) + ")";
      case 2:
        return pick({"cast(", "try_cast("}) + string(depth - 1) + " as int)";
      case 3:
        return "coalesce(" + number(depth - 1) + ", " + number(depth - 1) + ")";
      case 4:
        return "nullif(" + number(depth - 1) + ", " + number(depth - 1) + ")";
      default:
        return "case " + string(depth - 1) + " when " + string(0) + " then " + number(depth - 1) +
               " when " + string(0) + " then 4 end";
    }
  }
  std::string string(int depth) {
    if (depth == 0) return pick({"id", "email", "'b'", "'Zo%'", "''", "'12'", "'é_'"});
    switch (below(6)) {
      case 0:
        return "(" + string(depth - 1) + " || " + string(depth - 1) + ")";
      case 1:
        return pick({"lower(", "upper(", "trim("}) + string(depth - 1) + ")";
      case 2:
        return "substr(" + string(depth - 1) + ", " + pick({"1", "-2", "0", "3", "n"}) +
               pick({", 2)", ")", ", -1)"});
      case 3:
        return "coalesce(" + string(depth - 1) + ", " + string(depth - 1) + ")";
      case 4:
        return "case when " + boolean(depth - 1) + " then " + string(depth - 1) + " end";
      default:
        return "cast(n as text)";
    }
  }

 private:
  std::string pick(std::initializer_list<const char*> from) {
    return from.begin()[below(from.size())];
  }
  std::mt19937_64 random_;
};

TEST(Expression, KernelsAgreeWithARowAtATimeOnRandomExpressions) {
  Author author(11);
  Batch rows;
  for (const Field& field : kFields) rows.columns.emplace_back(field.type);
  const std::vector<std::string> ids{"a", "b", "12", "Zoé", " x "};
  const std::vector<std::string> emails{"", "É", "true", "Zo%", "bé"};
  for (int i = 0; i < 64; ++i) {
    const auto put = [&](std::size_t column, const std::string& value) {
      if (author.below(4) == 0) return rows.columns[column].append_null();
      append_parsed(rows.columns[column], value);
    };
    put(0, ids[author.below(ids.size())]);
    put(1, emails[author.below(emails.size())]);
    put(2, std::to_string(static_cast<int>(author.below(6)) - 2));
    put(3, std::to_string(static_cast<double>(author.below(8)) / 2));
    put(4, author.below(2) == 0 ? "true" : "false");
    rows.columns[5].append_null();
    rows.columns[6].append_null();
  }
  Selection selection;
  for (std::uint32_t i = 0; i < 64; ++i) {
    if (author.below(3) != 0) selection.push_back(i);
  }
  int compared = 0;
  for (int round = 0; round < 3000; ++round) {
    const int depth = static_cast<int>(author.below(4));
    const std::string written = round % 3 == 0   ? author.boolean(depth)
                                : round % 3 == 1 ? author.number(depth)
                                                 : author.string(depth);
    auto parsed = parse_expression(written);
    ASSERT_TRUE(parsed) << written << ": " << parsed.error().text();
    const auto node = sql::bind(*parsed, written, kFields);
    if (!node)
      continue;  // literals of the generator may not go together; the errors have tests of their
                 // own
    RowErrors errors;
    const Column out = Expression(*node).evaluate(rows.pointers(), selection, errors);
    ASSERT_EQ(out.size(), selection.size()) << written;
    for (std::size_t i = 0; i < selection.size(); ++i) {
      const bool in_error =
          std::any_of(errors.all().begin(), errors.all().end(),
                      [&](const auto& error) { return error.first == selection[i]; });
      const Value expected = naive(*node, rows, selection[i]);
      ASSERT_EQ(in_error, failed(expected)) << written << " at row " << selection[i];
      if (in_error) continue;
      ASSERT_TRUE(cell(out, i) == expected)
          << written << " at row " << selection[i] << ": " << shown(out, i);
      ++compared;
    }
  }
  EXPECT_GT(compared, 50'000);
}

}  // namespace
}  // namespace penstock::sql
