// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cql/ast.h"
#include "table/schema.h"

namespace penstock::cql_server {

// An option of CREATE TABLE ... WITH: how it is written, what it is when nobody says, and where
// system_schema shows it.
struct TableOption {
  enum class Form { Text, Number, Boolean, Map };
  std::string_view name;
  Form form;
  std::string_view value;  // as CQL
};
std::span<const TableOption>
table_options();  // sorted by name, without what is in TableOptions by itself
const TableOption* table_option(std::string_view name);

// Names that are no option. Cassandra answers those with a SyntaxException.
Result<void> check_option_names(const std::vector<ast::Property>& properties);
// Takes the properties over into the options; an option of the wrong form is InvalidArgument.
Result<void> apply_options(const std::vector<ast::Property>& properties,
                           table::TableOptions& options);

// The option's value as CQL.
std::string option_text(const table::TableOptions& options, const TableOption& option);
// The pairs of a map in CQL, as option_text() gives it.
std::map<std::string, std::string> option_map(std::string_view text);
// {'a': 'b'}
std::string map_text(const std::map<std::string, std::string>& map);

}  // namespace penstock::cql_server
