// SPDX-License-Identifier: Apache-2.0
#include "cql/table_options.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "cql/grammar.h"
#include "cql/lexer.h"

namespace penstock::cql_server {
namespace {

using Form = TableOption::Form;

constexpr std::array<TableOption, 15> kOptions{{
    {"additional_write_policy", Form::Text, "'99p'"},
    {"bloom_filter_fp_chance", Form::Number, "0.01"},
    {"caching", Form::Map, "{'keys': 'ALL', 'rows_per_partition': 'NONE'}"},
    {"cdc", Form::Boolean, "false"},
    {"compaction", Form::Map,
     "{'class': 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy', "
     "'max_threshold': '32', 'min_threshold': '4'}"},
    {"compression", Form::Map,
     "{'chunk_length_in_kb': '16', 'class': 'org.apache.cassandra.io.compress.LZ4Compressor'}"},
    {"crc_check_chance", Form::Number, "1.0"},
    {"extensions", Form::Map, "{}"},
    {"max_index_interval", Form::Number, "2048"},
    {"memtable", Form::Text, "'default'"},
    {"memtable_flush_period_in_ms", Form::Number, "0"},
    {"min_index_interval", Form::Number, "128"},
    {"read_repair", Form::Text, "'BLOCKING'"},
    {"speculative_retry", Form::Text, "'99p'"},
    // Of Cassandra 5.0: taken, so that its DESCRIBE output can be replayed.
    {"incremental_backups", Form::Boolean, "true"},
}};
constexpr std::array<std::string_view, 5> kOwn{"comment", "default_time_to_live",
                                               "gc_grace_seconds", "id", "allow_auto_snapshot"};

Result<std::int32_t> number_of(const ast::Property& property) {
  std::int32_t number = 0;
  const auto [end, error] =
      std::from_chars(property.text.data(), property.text.data() + property.text.size(), number);
  if (property.is_map || error != std::errc() || end != property.text.data() + property.text.size())
    return fail(Code::InvalidArgument, "Invalid value {} for '{}': a whole number is expected",
                property.text, property.name);
  return number;
}

bool fits(const ast::Property& property, Form form) {
  if (property.is_map != (form == Form::Map)) return false;
  const bool quoted = property.literal == ast::Literal::String;
  if (form == Form::Text) return quoted;
  if (form == Form::Boolean)
    return property.literal == ast::Literal::Boolean || property.text == "true" ||
           property.text == "false";
  if (form == Form::Number)
    return quoted || property.literal == ast::Literal::Integer ||
           property.literal == ast::Literal::Float;
  return true;
}

// Class names of compaction and compression come short or whole; system_schema shows them whole.
void complete_class(std::string_view option, std::map<std::string, std::string>& map) {
  const auto found = map.find("class");
  if (found == map.end() || found->second.find('.') != std::string::npos) return;
  if (option == "compaction") found->second.insert(0, "org.apache.cassandra.db.compaction.");
  if (option == "compression") found->second.insert(0, "org.apache.cassandra.io.compress.");
}

std::string text_of(const ast::Property& property, Form form) {
  if (form == Form::Map) {
    std::map<std::string, std::string> map(property.map.begin(), property.map.end());
    complete_class(property.name, map);
    return map_text(map);
  }
  return form == Form::Text ? quoted_text(property.text) : property.text;
}

}  // namespace

std::span<const TableOption> table_options() {
  return std::span(kOptions).first(14);
}

const TableOption* table_option(std::string_view name) {
  const auto* found = std::find_if(kOptions.begin(), kOptions.end(),
                                   [&](const auto& option) { return option.name == name; });
  return found == kOptions.end() ? nullptr : found;
}

Result<void> check_option_names(const std::vector<ast::Property>& properties) {
  for (std::size_t i = 0; i < properties.size(); ++i) {
    const std::string& name = properties[i].name;
    if (table_option(name) == nullptr && std::find(kOwn.begin(), kOwn.end(), name) == kOwn.end())
      return fail(Code::InvalidArgument, "Unknown property '{}'", name);
    for (std::size_t j = 0; j < i; ++j)
      if (properties[j].name == name)
        return fail(Code::InvalidArgument, "Multiple definition for property '{}'", name);
  }
  return {};
}

Result<void> apply_options(const std::vector<ast::Property>& properties,
                           table::TableOptions& options) {
  for (const ast::Property& property : properties) {
    if (property.name == "comment") {
      options.comment = property.text;
    } else if (property.name == "default_time_to_live") {
      options.default_time_to_live = TRY(number_of(property));
      if (options.default_time_to_live < 0 || options.default_time_to_live > 630'720'000)
        return fail(Code::InvalidArgument,
                    "default_time_to_live must be between 0 and 630720000 (got {})",
                    options.default_time_to_live);
    } else if (property.name == "gc_grace_seconds") {
      options.gc_grace_seconds = TRY(number_of(property));
      if (options.gc_grace_seconds < 0)
        return fail(Code::InvalidArgument,
                    "gc_grace_seconds must be greater than or equal to 0 (got {})",
                    options.gc_grace_seconds);
    } else if (const TableOption* option = table_option(property.name)) {
      if (!fits(property, option->form))
        return fail(Code::InvalidArgument, "Invalid value for '{}': its form is {}", property.name,
                    option->value);
      options.others[property.name] = text_of(property, option->form);
    }
  }
  return {};
}

std::string option_text(const table::TableOptions& options, const TableOption& option) {
  const auto found = options.others.find(std::string(option.name));
  return found == options.others.end() ? std::string(option.value) : found->second;
}

std::map<std::string, std::string> option_map(std::string_view text) {
  const std::string source = fmt::format("o = {}", text);  // tokens point into it
  auto tokens = tokenize(source);
  if (!tokens) return {};
  TokenStream in(std::move(*tokens));
  auto properties = grammar::properties(in);
  if (!properties || properties->empty()) return {};
  return {properties->front().map.begin(), properties->front().map.end()};
}

std::string map_text(const std::map<std::string, std::string>& map) {
  std::string text = "{";
  for (const auto& [key, value] : map)
    text +=
        fmt::format("{}{}: {}", text.size() > 1 ? ", " : "", quoted_text(key), quoted_text(value));
  return text + "}";
}

}  // namespace penstock::cql_server
