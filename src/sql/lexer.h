// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/field.h"

namespace penstock::sql {

struct Token {
  enum class Kind { Name, QuotedName, Number, Text, Symbol, End };
  Kind kind = Kind::End;
  std::string text;    // names as written, texts and quoted names unescaped, symbols as themselves
  std::size_t at = 0;  // byte offset

  bool is(std::string_view symbol) const { return kind == Kind::Symbol && text == symbol; }
  bool is_word(std::string_view lower) const;  // a bare name, in any case
};

// Cuts SQL text into tokens; the last one is End. Names are [A-Za-z_][A-Za-z0-9_]* or "quoted" or
// `quoted`, texts 'with '' inside', comments -- to the end of the line and /* */. Bounded by 64 KiB
// of text.
SqlResult<std::vector<Token>> lex(std::string_view text);

// An error at a byte offset of `text`.
SqlError error_at(std::string_view text, std::size_t at, std::string message,
                  std::string suggestion = "");

std::string lower_ascii(std::string_view text);

}  // namespace penstock::sql
