// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sql/column.h"

namespace penstock::sql {

// Text functions of one cell; UTF-8 in and out. Bytes that are not UTF-8 count as one character
// each and pass unchanged. Those with a Column append their result to it.

std::int64_t character_count(std::string_view text);
std::string_view trim_left(std::string_view text);  // spaces only, as in SQL
std::string_view trim_right(std::string_view text);
// `first` counts from 1; 0 means 1; negative counts from the end. No `length`: to the end.
std::string_view substring(std::string_view text, std::int64_t first,
                           std::optional<std::int64_t> length);
void append_lower(Column& to,
                  std::string_view text);  // simple case mapping of Unicode, one character to one
void append_upper(Column& to, std::string_view text);
// Every occurrence of `what`, from the left, not overlapping; an empty `what` changes nothing.
void append_replaced(Column& to, std::string_view text, std::string_view what,
                     std::string_view with);
// % any run, _ any one character, \ takes the next character as itself.
bool like(std::string_view text, std::string_view pattern);

}  // namespace penstock::sql
