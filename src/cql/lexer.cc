// SPDX-License-Identifier: Apache-2.0
#include "cql/lexer.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace penstock::cql_server {
namespace {

// Sorted; from the grammar's list of reserved words in Cassandra 4.1.
constexpr auto kReserved = std::to_array<std::string_view>(
    {"add",      "allow",    "alter",        "and",          "apply",  "asc",         "authorize",
     "batch",    "begin",    "by",           "columnfamily", "create", "delete",      "desc",
     "describe", "drop",     "entries",      "execute",      "from",   "full",        "grant",
     "if",       "in",       "index",        "infinity",     "insert", "into",        "is",
     "keyspace", "limit",    "materialized", "modify",       "nan",    "norecursive", "not",
     "null",     "of",       "on",           "or",           "order",  "primary",     "rename",
     "revoke",   "schema",   "select",       "set",          "table",  "to",          "token",
     "truncate", "unlogged", "update",       "use",          "using",  "view",        "where",
     "with"});

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool hex_digit(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}
bool letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}
bool word(char c) {
  return letter(c) || digit(c) || c == '_';
}

std::string folded(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return lower;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    tokens.reserve(source_.size() / 5 + 2);
    for (;;) {
      TRY(skip());
      Token token;
      token.line = line_;
      token.column = static_cast<std::uint32_t>(at_ - line_begin_);
      if (at_ < source_.size()) TRY(next(token));
      const bool end = token.kind == TokenKind::End;
      tokens.push_back(std::move(token));
      if (end) return tokens;
    }
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  bool starts(std::string_view with) const { return source_.substr(at_).starts_with(with); }

  void step() {
    if (source_[at_++] == '\n') {
      ++line_;
      line_begin_ = at_;
    }
  }

  Result<void> skip() {
    while (at_ < source_.size()) {
      if (std::isspace(static_cast<unsigned char>(source_[at_])) != 0) {
        step();
      } else if (starts("--") || starts("//")) {
        while (at_ < source_.size() && source_[at_] != '\n') ++at_;
      } else if (starts("/*")) {
        const auto place = here();
        while (at_ < source_.size() && !starts("*/")) step();
        if (at_ == source_.size())
          return fail(Code::InvalidArgument, "{} comment without its end", place);
        at_ += 2;
      } else {
        break;
      }
    }
    return {};
  }

  std::string here() const { return fmt::format("line {}:{}", line_, at_ - line_begin_); }

  void take(Token& token, TokenKind kind, std::size_t size) {
    token.kind = kind;
    token.text = source_.substr(at_, size);
    at_ += size;
  }

  Result<void> next(Token& token) {
    const char c = peek();
    if (c == '\'') return quoted(token, TokenKind::String, '\'');
    if (c == '"') return quoted(token, TokenKind::QuotedName, '"');
    if (starts("$$")) return dollars(token);
    if (const std::size_t uuid = uuid_size(); uuid > 0) {
      take(token, TokenKind::Uuid, uuid);
      token.value = token.text;
    } else if (c == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
      std::size_t size = 2;
      while (hex_digit(peek(size))) ++size;
      if (word(peek(size)))
        return fail(Code::InvalidArgument, "{} '{}' is no hexadecimal digit", here(), peek(size));
      take(token, TokenKind::Blob, size);
      token.value = token.text;
    } else if (digit(c)) {
      number(token);
    } else if (const std::size_t iso = iso_duration_size(); iso > 0) {
      take(token, TokenKind::Duration, iso);
      token.value = token.text;
    } else if (letter(c) || c == '_') {
      std::size_t size = 1;
      while (word(peek(size))) ++size;
      take(token, TokenKind::Name, size);
      token.value = folded(token.text);
    } else {
      return symbol(token);
    }
    return {};
  }

  Result<void> quoted(Token& token, TokenKind kind, char quote) {
    const auto place = here();
    const std::size_t begin = at_++;
    for (;;) {
      if (at_ >= source_.size())
        return fail(Code::InvalidArgument, "{} {} without its closing {}", place,
                    kind == TokenKind::String ? "string" : "name", quote);
      if (peek() == quote) {
        if (peek(1) != quote) break;
        ++at_;
      }
      token.value += peek();
      step();
    }
    ++at_;
    token.kind = kind;
    token.text = source_.substr(begin, at_ - begin);
    if (kind == TokenKind::QuotedName && token.value.empty())
      return fail(Code::InvalidArgument, "{} a quoted name may not be empty", place);
    return {};
  }

  Result<void> dollars(Token& token) {
    const auto place = here();
    const std::size_t begin = at_;
    at_ += 2;
    while (at_ < source_.size() && !starts("$$")) step();
    if (at_ >= source_.size())
      return fail(Code::InvalidArgument, "{} string without its closing $$", place);
    token.value = source_.substr(begin + 2, at_ - begin - 2);
    at_ += 2;
    token.kind = TokenKind::String;
    token.text = source_.substr(begin, at_ - begin);
    return {};
  }

  std::size_t uuid_size() const {
    constexpr std::string_view shape = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
    if (source_.size() - at_ < shape.size()) return 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == '-' ? peek(i) != '-' : !hex_digit(peek(i))) return 0;
    }
    return word(peek(shape.size())) ? 0 : shape.size();
  }

  // P1Y2M3DT4H5M6S, P3W, P0001-02-03T04:05:06: a P, then a digit or T, up to what cannot belong to
  // it.
  std::size_t iso_duration_size() const {
    if (peek() != 'P' || !(digit(peek(1)) || (peek(1) == 'T' && digit(peek(2))))) return 0;
    std::size_t size = 1;
    while (digit(peek(size)) ||
           (peek(size) != '\0' &&
            std::string_view("YMWDTHS-:").find(peek(size)) != std::string_view::npos))
      ++size;
    return word(peek(size)) ? 0 : size;
  }

  // 12, 1.5, 1e3, 1.5E-7, or a duration such as 1y2mo3d.
  void number(Token& token) {
    std::size_t size = 0;
    while (digit(peek(size))) ++size;
    TokenKind kind = TokenKind::Integer;
    if (peek(size) == '.' && digit(peek(size + 1))) {
      kind = TokenKind::Float;
      ++size;
      while (digit(peek(size))) ++size;
    } else if (peek(size) == '.' && !letter(peek(size + 1)) && peek(size + 1) != '.') {
      kind = TokenKind::Float;  // "1."
      ++size;
    }
    const std::size_t sign = peek(size + 1) == '-' || peek(size + 1) == '+' ? 1 : 0;
    if ((peek(size) == 'e' || peek(size) == 'E') && digit(peek(size + 1 + sign))) {
      kind = TokenKind::Float;
      size += 1 + sign;
      while (digit(peek(size))) ++size;
    } else if (kind == TokenKind::Integer && (letter(peek(size)) || peek(size) == '\xc2')) {
      kind = TokenKind::Duration;  // the type's own parser checks the units; "µs" is the one with
                                   // non-ASCII letters
      while (word(peek(size)) || peek(size) == '\xc2' || peek(size) == '\xb5') ++size;
    }
    take(token, kind, size);
    token.value = token.text;
  }

  Result<void> symbol(Token& token) {
    for (const std::string_view two : {"<=", ">=", "!=", ".."}) {
      if (!starts(two)) continue;
      take(token, TokenKind::Symbol, 2);
      return {};
    }
    if (std::string_view("()[]{}<>=,.;:?*+-/%").find(peek()) == std::string_view::npos) {
      const auto byte = static_cast<unsigned char>(peek());
      if (byte >= 0x20 && byte < 0x7f)
        return fail(Code::InvalidArgument, "{} no viable alternative at character '{}'", here(),
                    peek());
      return fail(Code::InvalidArgument, "{} no viable alternative at byte 0x{:02x}", here(), byte);
    }
    take(token, TokenKind::Symbol, 1);
    return {};
  }

  std::string_view source_;
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  return Lexer(source).run();
}

bool reserved(std::string_view name) {
  return std::binary_search(kReserved.begin(), kReserved.end(), name);
}

std::string quoted_name(std::string_view name) {
  const bool plain = !name.empty() && (name[0] >= 'a' && name[0] <= 'z') &&
                     std::all_of(name.begin(), name.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || digit(c) || c == '_';
                     });
  if (plain && !reserved(name)) return std::string(name);
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

std::string quoted_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + '\'';
}

}  // namespace penstock::cql_server
