// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "sql/field.h"
#include "stream/pipeline.h"

namespace penstock::stream {

// Texts of CQL statements.
std::string quoted_name(std::string_view name);   // "name", case kept
std::string text_literal(std::string_view text);  // 'text'
std::string create_table_cql(const CassandraSink& sink, const sql::Fields& fields);
std::string insert_cql(const CassandraSink& sink,
                       const sql::Fields& fields);  // markers: the columns, then the timestamp

}  // namespace penstock::stream
