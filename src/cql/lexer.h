// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::cql_server {

enum class TokenKind {
  End,
  Name,
  QuotedName,
  String,
  Integer,
  Float,
  Blob,
  Uuid,
  Duration,
  Symbol
};

struct Token {
  TokenKind kind = TokenKind::End;
  std::string_view text;  // of the source, quotes included
  std::string value;      // folded name, or content without quotes
  std::uint32_t line = 1;
  std::uint32_t column = 0;  // from 0, as Cassandra counts

  bool symbol(std::string_view what) const { return kind == TokenKind::Symbol && text == what; }
};

// Cuts a statement into tokens; the last is End. Comments (--, //, /* */) and white space fall
// away. An error is "line L:C ...": a character that begins no token, or a literal without its end.
Result<std::vector<Token>> tokenize(std::string_view source);

// Whether a folded name may not name a table or column without quotes (Cassandra's reserved words).
bool reserved(std::string_view name);

// A name as CQL must write it: in double quotes if it is not lower case or is reserved.
std::string quoted_name(std::string_view name);
// A string literal.
std::string quoted_text(std::string_view text);

}  // namespace penstock::cql_server
