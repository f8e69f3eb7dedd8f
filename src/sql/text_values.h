// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sql/column.h"
#include "sql/type.h"

namespace penstock::sql {

// Texts of values, as cast() and the JSON decoder read and write them. Surrounding white space is
// allowed when reading.
std::optional<std::int64_t> parse_int(std::string_view text);  // decimal, optional sign
std::optional<double> parse_double(std::string_view text);  // also "NaN", "Infinity", "-Infinity"
std::optional<bool> parse_boolean(
    std::string_view text);  // true false t f yes no y n 1 0, any case
// ISO 8601 date and time, 'T' or a space between, fraction to any precision (cut to milliseconds),
// zone "Z", "+hh:mm",
// "+hhmm", "+hh" or none, which is UTC. A date alone is its midnight. Milliseconds since 1970.
std::optional<std::int64_t> parse_timestamp(std::string_view text);
std::optional<std::int64_t> parse_date(std::string_view text);  // yyyy-mm-dd; days since 1970

std::string format_double(double value, bool single);  // shortest that reads back; "1.0", not "1"
std::string format_timestamp(std::int64_t millis);     // 2023-10-01 12:00:00[.123], UTC
std::string format_date(std::int64_t days);

// Whether an integer fits the type's width. True for types that are not integers.
bool fits(Type type, std::int64_t value);

// Appends `text`, read as `to.type()`. False, and nothing appended, when it does not parse.
bool append_parsed(Column& to, std::string_view text);

// The text of one cell that has a value.
std::string cell_text(const Column& column, std::size_t row);

}  // namespace penstock::sql
