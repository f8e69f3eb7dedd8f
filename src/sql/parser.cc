// SPDX-License-Identifier: Apache-2.0
#include "sql/parser.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "sql/lexer.h"

// The value of an SqlResult, or return its error.
#define SQL_TRY(...)                                                    \
  ({                                                                    \
    auto sql_try_result = (__VA_ARGS__);                                \
    if (!sql_try_result) return tl::unexpected(sql_try_result.error()); \
    *std::move(sql_try_result);                                         \
  })

namespace penstock::sql {
namespace {

constexpr int kNestingMax = 100;
constexpr int kNodesMax = 10'000;

struct Function {
  std::string_view name;
  Op op;
  std::size_t args_min;
  std::size_t args_max;
};
constexpr std::size_t kAny = 1000;
constexpr auto kFunctions = std::to_array<Function>({
    {"coalesce", Op::Coalesce, 1, kAny},
    {"nvl", Op::Coalesce, 2, 2},
    {"ifnull", Op::Coalesce, 2, 2},
    {"nullif", Op::NullIf, 2, 2},
    {"lower", Op::Lower, 1, 1},
    {"lcase", Op::Lower, 1, 1},
    {"upper", Op::Upper, 1, 1},
    {"ucase", Op::Upper, 1, 1},
    {"trim", Op::Trim, 1, 1},
    {"ltrim", Op::LTrim, 1, 1},
    {"rtrim", Op::RTrim, 1, 1},
    {"length", Op::Length, 1, 1},
    {"char_length", Op::Length, 1, 1},
    {"substr", Op::Substr, 2, 3},
    {"substring", Op::Substr, 2, 3},
    {"concat", Op::Concat, 1, kAny},
    {"replace", Op::Replace, 3, 3},
    {"if", Op::Case, 3, 3},
});

// Binary operators with their strength; comparison and its relatives are handled together, at
// kCompare.
constexpr int kOr = 1;
constexpr int kAnd = 2;
constexpr int kNot = 3;
constexpr int kCompare = 4;
struct Binary {
  std::string_view symbol;
  Op op;
  int strength;
};
constexpr auto kBinaries = std::to_array<Binary>({
    {"=", Op::Eq, kCompare},
    {"==", Op::Eq, kCompare},
    {"<>", Op::Ne, kCompare},
    {"!=", Op::Ne, kCompare},
    {"<", Op::Lt, kCompare},
    {"<=", Op::Le, kCompare},
    {">", Op::Gt, kCompare},
    {">=", Op::Ge, kCompare},
    {"||", Op::Concat, 5},
    {"+", Op::Add, 6},
    {"-", Op::Sub, 6},
    {"*", Op::Mul, 7},
    {"/", Op::Div, 7},
    {"%", Op::Mod, 7},
});

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens)
      : text_(text), tokens_(std::move(tokens)) {}

  SqlResult<Node> whole_expression() {
    Node node = SQL_TRY(expression(0));
    if (here().kind != Token::Kind::End)
      return refuse(fmt::format("expected the end or an operator, found {}", shown(here())));
    return node;
  }

  SqlResult<std::vector<ParsedItem>> select_items() {
    std::vector<ParsedItem> items;
    do {
      if (here().is("*")) {
        ++at_;
        items.push_back({true, {}, ""});
        continue;
      }
      ParsedItem item;
      item.node = SQL_TRY(expression(0));
      if (item.node.op == Op::Column) item.name = item.node.text;
      if (take_word("as")) {
        if (!is_name(here()))
          return refuse(fmt::format("expected a name after AS, found {}", shown(here())));
        item.name = tokens_[at_++].text;
      } else if (is_name(here())) {
        item.name = tokens_[at_++].text;
      }
      if (item.name.empty()) {
        return tl::unexpected(
            error_at(text_, item.node.at, "this column needs a name: add AS name"));
      }
      items.push_back(std::move(item));
    } while (take(","));
    if (here().kind != Token::Kind::End)
      return refuse(fmt::format("expected ',' or the end, found {}", shown(here())));
    return items;
  }

 private:
  const Token& here() const { return tokens_[at_]; }
  static bool is_name(const Token& token) {
    return token.kind == Token::Kind::Name || token.kind == Token::Kind::QuotedName;
  }
  static std::string shown(const Token& token) {
    return token.kind == Token::Kind::End ? "the end" : fmt::format("'{}'", token.text);
  }
  tl::unexpected<SqlError> refuse(std::string message, std::string suggestion = "") const {
    return tl::unexpected(error_at(text_, here().at, std::move(message), std::move(suggestion)));
  }
  bool take(std::string_view symbol) {
    if (!here().is(symbol)) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view lower) {
    if (!here().is_word(lower)) return false;
    ++at_;
    return true;
  }
  SqlResult<bool> expect(std::string_view symbol) {
    if (take(symbol)) return true;
    return refuse(fmt::format("expected '{}', found {}", symbol, shown(here())));
  }
  SqlResult<bool> expect_word(std::string_view lower) {
    if (take_word(lower)) return true;
    return refuse(fmt::format("expected {}, found {}", lower, shown(here())));
  }

  template <class... Args>
  static Node make(Op op, std::size_t at, Args... args) {
    Node node;
    node.op = op;
    node.at = at;
    node.args.reserve(sizeof...(args));
    (node.args.push_back(std::move(args)), ...);
    return node;
  }

  // An operand and every operator after it that binds more tightly than `least`.
  SqlResult<Node> expression(int least) {
    if (++depth_ > kNestingMax)
      return refuse("the expression is nested too deeply (more than 100 levels)");
    Node left = SQL_TRY(prefix());
    while (true) {
      const std::size_t before = at_;
      left = SQL_TRY(infix(std::move(left), least));
      if (at_ == before) break;
    }
    --depth_;
    return left;
  }

  // `left` with one operator and its right side taken, or `left` as it was when no operator strong
  // enough follows.
  SqlResult<Node> infix(Node left, int least) {
    const Token& token = here();
    const std::size_t at = token.at;
    if (++nodes_ > kNodesMax) return refuse("the expression is too long (more than 10000 parts)");
    if (token.is_word("or") && kOr > least) {
      ++at_;
      return make(Op::Or, at, std::move(left), SQL_TRY(expression(kOr)));
    }
    if (token.is_word("and") && kAnd > least) {
      ++at_;
      return make(Op::And, at, std::move(left), SQL_TRY(expression(kAnd)));
    }
    if (token.kind == Token::Kind::Name && kCompare > least)
      return word_comparison(std::move(left));
    if (token.kind != Token::Kind::Symbol) return left;
    for (const Binary& binary : kBinaries) {
      if (token.text != binary.symbol || binary.strength <= least) continue;
      ++at_;
      return make(binary.op, at, std::move(left), SQL_TRY(expression(binary.strength)));
    }
    return left;
  }

  // is [not] null, [not] in, [not] like, [not] between.
  SqlResult<Node> word_comparison(Node left) {
    const std::size_t at = here().at;
    if (take_word("is")) {
      const bool negated = take_word("not");
      SQL_TRY(expect_word("null"));
      Node node = make(Op::IsNull, at, std::move(left));
      return negated ? make(Op::Not, at, std::move(node)) : std::move(node);
    }
    const Token& next = tokens_[at_ + (here().is_word("not") ? 1 : 0)];
    if (!next.is_word("in") && !next.is_word("like") && !next.is_word("between")) return left;
    const bool negated = take_word("not");
    Node node;
    if (take_word("in")) {
      node = make(Op::In, at, std::move(left));
      SQL_TRY(expect("("));
      do {
        node.args.push_back(SQL_TRY(expression(0)));
      } while (take(","));
      SQL_TRY(expect(")"));
    } else if (take_word("like")) {
      node = make(Op::Like, at, std::move(left), SQL_TRY(expression(kCompare)));
    } else {
      ++at_;
      Node low = SQL_TRY(expression(kCompare));
      SQL_TRY(expect_word("and"));
      node = make(Op::Between, at, std::move(left), std::move(low), SQL_TRY(expression(kCompare)));
    }
    return negated ? make(Op::Not, at, std::move(node)) : std::move(node);
  }

  SqlResult<Node> prefix() {
    const Token token = here();
    if (token.is("(")) {
      ++at_;
      Node node = SQL_TRY(expression(0));
      SQL_TRY(expect(")"));
      return node;
    }
    if (token.is("-") || token.is("+")) {
      ++at_;
      if (token.is("-") && here().kind == Token::Kind::Number) return number(true);
      Node node = SQL_TRY(expression(8));
      return token.is("-") ? make(Op::Neg, token.at, std::move(node)) : std::move(node);
    }
    switch (token.kind) {
      case Token::Kind::Number:
        return number(false);
      case Token::Kind::Text: {
        ++at_;
        Node node = make(Op::Literal, token.at);
        node.type = Type::Text;
        node.text = token.text;
        return node;
      }
      case Token::Kind::QuotedName:
        return column();
      case Token::Kind::Name:
        return word();
      default:
        return refuse(fmt::format("expected a value, found {}", shown(token)));
    }
  }

  SqlResult<Node> number(bool negative) {
    const Token& token = tokens_[at_++];
    Node node = make(Op::Literal, token.at);
    const std::string raw = (negative ? "-" : "") + token.text;
    const char* end = raw.data() + raw.size();
    if (token.text.find_first_of(".eE") == std::string::npos) {
      node.type = Type::Bigint;
      if (std::from_chars(raw.data(), end, node.integer).ec == std::errc{}) return node;
      return tl::unexpected(
          error_at(text_, token.at, fmt::format("{} is beyond the range of bigint", raw)));
    }
    node.type = Type::Double;
    if (std::from_chars(raw.data(), end, node.number).ec == std::errc{}) return node;
    return tl::unexpected(
        error_at(text_, token.at, fmt::format("{} is beyond the range of double", raw)));
  }

  SqlResult<Node> column() {
    Node node = make(Op::Column, here().at);
    node.text = tokens_[at_++].text;
    if (here().is("."))
      return refuse("nested fields (a.b) are not supported; declare the field as text");
    return node;
  }

  SqlResult<Node> word() {
    const Token token = here();
    if (token.is_word("not")) {
      ++at_;
      return make(Op::Not, token.at, SQL_TRY(expression(kNot)));
    }
    if (token.is_word("null") || token.is_word("true") || token.is_word("false")) {
      ++at_;
      Node node = make(Op::Literal, token.at);
      node.type = token.is_word("null") ? Type::Null : Type::Boolean;
      node.integer = token.is_word("true") ? 1 : 0;
      return node;
    }
    if (token.is_word("case")) return case_when();
    for (const std::string_view reserved :
         {"and", "or", "in", "like", "between", "is", "when", "then", "else", "end", "as"}) {
      if (token.is_word(reserved))
        return refuse(fmt::format("expected a value, found {}", token.text));
    }
    if (!tokens_[at_ + 1].is("(")) return column();
    if (token.is_word("cast") || token.is_word("try_cast")) return cast();
    return call();
  }

  SqlResult<Node> cast() {
    const Token token = tokens_[at_];
    at_ += 2;
    Node node =
        make(token.is_word("cast") ? Op::Cast : Op::TryCast, token.at, SQL_TRY(expression(0)));
    SQL_TRY(expect_word("as"));
    const auto type = parse_type(here().text);
    if (!type) return refuse(fmt::format("type {} is not one of {}", shown(here()), type_names()));
    ++at_;
    SQL_TRY(expect(")"));
    node.type = *type;
    return node;
  }

  SqlResult<Node> call() {
    const Token token = here();
    const std::string wanted = lower_ascii(token.text);
    const Function* function = nullptr;
    for (const Function& candidate : kFunctions) {
      if (candidate.name == wanted) function = &candidate;
    }
    if (function == nullptr) {
      std::vector<std::string> names{"cast", "try_cast"};
      for (const Function& candidate : kFunctions) names.emplace_back(candidate.name);
      return refuse(fmt::format("there is no function {}", token.text), nearest(wanted, names));
    }
    at_ += 2;
    Node node = make(function->op, token.at);
    if (!take(")")) {
      do {
        node.args.push_back(SQL_TRY(expression(0)));
      } while (take(","));
      SQL_TRY(expect(")"));
    }
    if (node.args.size() < function->args_min || node.args.size() > function->args_max) {
      const std::string wants =
          function->args_max == kAny ? fmt::format("at least {}", function->args_min)
          : function->args_min == function->args_max
              ? std::to_string(function->args_min)
              : fmt::format("{} to {}", function->args_min, function->args_max);
      return tl::unexpected(error_at(
          text_, token.at,
          fmt::format("{} takes {} argument(s), not {}", function->name, wants, node.args.size())));
    }
    return node;
  }

  SqlResult<Node> case_when() {
    Node node = make(Op::Case, tokens_[at_++].at);
    if (!here().is_word("when")) {
      node.op = Op::SimpleCase;
      node.args.push_back(SQL_TRY(expression(0)));
    }
    while (take_word("when")) {
      node.args.push_back(SQL_TRY(expression(0)));
      SQL_TRY(expect_word("then"));
      node.args.push_back(SQL_TRY(expression(0)));
    }
    if (node.args.size() < 2) return refuse(fmt::format("expected WHEN, found {}", shown(here())));
    Node otherwise = make(Op::Literal, node.at);
    if (take_word("else")) otherwise = SQL_TRY(expression(0));
    node.args.push_back(std::move(otherwise));
    SQL_TRY(expect_word("end"));
    return node;
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int nodes_ = 0;
};

}  // namespace

SqlResult<Node> parse_expression(std::string_view text) {
  return Parser(text, SQL_TRY(lex(text))).whole_expression();
}

SqlResult<std::vector<ParsedItem>> parse_select_items(std::string_view text) {
  return Parser(text, SQL_TRY(lex(text))).select_items();
}

}  // namespace penstock::sql
