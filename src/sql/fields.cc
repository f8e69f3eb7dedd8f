// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "sql/field.h"
#include "sql/lexer.h"

namespace penstock::sql {
namespace {

// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::vector<std::size_t> next(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] =
          std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        next[j] = std::min(next[j], before[j - 2] + 1);
      }
    }
    std::swap(before, row);
    std::swap(row, next);
  }
  return row[b.size()];
}

}  // namespace

std::string SqlError::text() const {
  std::string out = fmt::format("line {}, column {}: {}", line, column, message);
  if (!suggestion.empty()) out += fmt::format("; did you mean {}?", suggestion);
  return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > 64) return "";
  const std::string wanted = lower_ascii(word);
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > 64) continue;
    const std::size_t edits = distance(wanted, lower_ascii(candidate));
    if (edits < best_distance) {
      best_distance = edits;
      best = candidate;
    }
  }
  return best;
}

SqlResult<Fields> parse_fields(std::string_view text) {
  auto lexed = lex(text);
  if (!lexed) return tl::unexpected(lexed.error());
  const std::vector<Token>& tokens = *lexed;
  Fields fields;
  std::size_t at = 0;
  const auto refuse = [&](const Token& token, std::string message, std::string suggestion = "") {
    return tl::unexpected(error_at(text, token.at, std::move(message), std::move(suggestion)));
  };
  while (tokens[at].kind != Token::Kind::End) {
    const Token& name_token = tokens[at];
    if (name_token.is_word("primary") && tokens[at + 1].is_word("key")) {
      return refuse(name_token, "PRIMARY KEY belongs to the sink: give primary_key there");
    }
    if (name_token.kind != Token::Kind::Name && name_token.kind != Token::Kind::QuotedName) {
      return refuse(name_token, fmt::format("expected a column name, found '{}'", name_token.text));
    }
    if (std::any_of(fields.begin(), fields.end(),
                    [&](const Field& f) { return f.name == name_token.text; })) {
      return refuse(name_token, fmt::format("column {} appears twice", name_token.text));
    }
    if (fields.size() == 1000) return refuse(name_token, "more than 1000 columns");
    const Token& type_token = tokens[++at];
    if (type_token.kind != Token::Kind::Name) {
      return refuse(type_token, fmt::format("column {} has no type", name_token.text));
    }
    const auto type = parse_type(type_token.text);
    if (!type) {
      std::vector<std::string> names;
      const std::string all = type_names();
      for (std::size_t begin = 0; begin < all.size();) {
        const std::size_t end = std::min(all.find(", ", begin), all.size());
        names.push_back(all.substr(begin, end - begin));
        begin = end + 2;
      }
      return refuse(type_token, fmt::format("type {} is not one of {}", type_token.text, all),
                    nearest(type_token.text, names));
    }
    Field field{name_token.text, *type, false};
    ++at;
    if (tokens[at].is_word("not")) {
      if (!tokens[at + 1].is_word("null")) return refuse(tokens[at + 1], "expected NULL after NOT");
      field.not_null = true;
      at += 2;
    } else if (tokens[at].is_word("null")) {
      ++at;
    }
    fields.push_back(std::move(field));
    if (tokens[at].kind == Token::Kind::End) break;
    if (!tokens[at].is(",")) {
      return refuse(tokens[at], fmt::format("expected ',' or NOT NULL after column {}, found '{}'",
                                            fields.back().name, tokens[at].text));
    }
    ++at;
    if (tokens[at].kind == Token::Kind::End)
      return refuse(tokens[at], "a column is missing after the last ','");
  }
  if (fields.empty()) return refuse(tokens[0], "the schema has no columns");
  return fields;
}

}  // namespace penstock::sql
