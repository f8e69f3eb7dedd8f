// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sql/field.h"
#include "stream/pipeline.h"
#include "stream/plan.h"

namespace penstock::stream {

// A batch as Spark's console sink prints it: the rule, "Batch: N", the rule, and the rows as
// df.show() does (right-aligned and cut to `truncate` characters, or left-aligned and whole), wide
// characters counting as two. `about` is a line before all that, when not empty: "users ->
// spark_streams.created_users".
std::string show_batch(std::int64_t batch, std::string_view about, const sql::Fields& fields,
                       const Rows& rows, const ConsoleSink& options);

// Columns on a terminal: East Asian wide and fullwidth characters take two (as Spark counts).
std::size_t display_width(std::string_view utf8);

}  // namespace penstock::stream
