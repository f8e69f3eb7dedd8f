// SPDX-License-Identifier: Apache-2.0
#include "sql/lexer.h"

#include <fmt/format.h>

namespace penstock::sql {
namespace {

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_part(char c) {
  return is_name_start(c) || is_digit(c);
}

// How far white space and comments reach from `at`.
SqlResult<std::size_t> skip_blank(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const char c = text[at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at;
    } else if (text.substr(at, 2) == "--") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      const std::size_t end = text.find("*/", at + 2);
      if (end == std::string_view::npos)
        return tl::unexpected(error_at(text, at, "this comment does not end"));
      at = end + 2;
    } else {
      break;
    }
  }
  return at;
}

SqlResult<Token> quoted(std::string_view text, std::size_t at) {
  const char quote = text[at];
  Token token{quote == '\'' ? Token::Kind::Text : Token::Kind::QuotedName, "", at};
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] != quote) {
      token.text.push_back(text[i]);
    } else if (i + 1 < text.size() && text[i + 1] == quote) {
      token.text.push_back(text[i++]);
    } else {
      return token;
    }
  }
  return tl::unexpected(error_at(
      text, at,
      fmt::format("this {} does not end: no closing {}", quote == '\'' ? "text" : "name", quote)));
}

std::size_t number_end(std::string_view text, std::size_t at) {
  const auto digits = [&] {
    while (at < text.size() && is_digit(text[at])) ++at;
  };
  digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    digits();
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const std::size_t sign =
        at + 1 < text.size() && (text[at + 1] == '+' || text[at + 1] == '-') ? 1 : 0;
    if (at + 1 + sign < text.size() && is_digit(text[at + 1 + sign])) {
      at += 1 + sign;
      digits();
    }
  }
  return at;
}

// The length of the token's raw text beginning at `at`, for a quoted one including doubled quotes.
std::size_t quoted_length(std::string_view text, std::size_t at) {
  const char quote = text[at];
  std::size_t i = at + 1;
  while (text[i] != quote || (i + 1 < text.size() && text[i + 1] == quote))
    i += text[i] == quote ? 2 : 1;
  return i + 1 - at;
}

}  // namespace

bool Token::is_word(std::string_view lower) const {
  return kind == Kind::Name && lower_ascii(text) == lower;
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

SqlError error_at(std::string_view text, std::size_t at, std::string message,
                  std::string suggestion) {
  SqlError error{1, 1, std::move(message), std::move(suggestion)};
  for (std::size_t i = 0; i < at && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++error.line;
      error.column = 1;
    } else {
      ++error.column;
    }
  }
  return error;
}

SqlResult<std::vector<Token>> lex(std::string_view text) {
  if (text.size() > 65'536)
    return tl::unexpected(error_at(text, 0, "the text is longer than 64 KiB"));
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (true) {
    const auto start = skip_blank(text, at);
    if (!start) return tl::unexpected(start.error());
    at = *start;
    if (at == text.size()) break;
    const char c = text[at];
    if (is_name_start(c)) {
      std::size_t end = at;
      while (end < text.size() && is_name_part(text[end])) ++end;
      tokens.push_back({Token::Kind::Name, std::string(text.substr(at, end - at)), at});
      at = end;
    } else if (is_digit(c) || (c == '.' && at + 1 < text.size() && is_digit(text[at + 1]))) {
      const std::size_t end = number_end(text, at);
      if (end < text.size() && is_name_start(text[end])) {
        return tl::unexpected(error_at(
            text, at,
            fmt::format("{} is neither a number nor a name", text.substr(at, end + 1 - at))));
      }
      tokens.push_back({Token::Kind::Number, std::string(text.substr(at, end - at)), at});
      at = end;
    } else if (c == '\'' || c == '"' || c == '`') {
      auto token = quoted(text, at);
      if (!token) return tl::unexpected(token.error());
      at += quoted_length(text, at);
      tokens.push_back(std::move(*token));
    } else {
      static constexpr std::string_view kTwo[] = {"<=", ">=", "<>", "!=", "==", "||"};
      std::string_view symbol = text.substr(at, 1);
      for (const std::string_view two : kTwo) {
        if (text.substr(at, 2) == two) symbol = two;
      }
      if (symbol.size() == 1 &&
          std::string_view("()+-*/%<>=,.").find(c) == std::string_view::npos) {
        return tl::unexpected(error_at(
            text, at,
            static_cast<unsigned char>(c) < 0x80 && c > ' '
                ? fmt::format("'{}' has no meaning here", c)
                : std::string("this character has no meaning here; quote names with \"\"")));
      }
      tokens.push_back({Token::Kind::Symbol, std::string(symbol), at});
      at += symbol.size();
    }
  }
  tokens.push_back({Token::Kind::End, "", text.size()});
  return tokens;
}

}  // namespace penstock::sql
