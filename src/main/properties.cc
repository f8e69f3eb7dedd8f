// SPDX-License-Identifier: Apache-2.0
#include "main/properties.h"

#include <algorithm>
#include <fstream>

#include "base/nearest.h"

namespace penstock::main_room {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr const char* kSpace = " \t\r\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// "name=value" into `properties`.
Result<void> add(std::string_view text, const std::vector<std::string>& known,
                 Properties& properties) {
  const std::size_t equals = text.find('=');
  const std::string name(trimmed(text.substr(0, equals)));
  if (equals == std::string_view::npos || name.empty())
    return fail(Code::InvalidArgument, "NAME=VALUE is wanted, not '{}'", text);
  if (!known.empty() && std::find(known.begin(), known.end(), name) == known.end()) {
    return fail(Code::InvalidArgument, "unknown property '{}'{}", name, did_you_mean(name, known));
  }
  properties[name] = text.substr(equals + 1);
  return {};
}

}  // namespace

Result<Properties> parse_properties(const std::vector<std::string>& arguments,
                                    const std::string& flag,
                                    const std::vector<std::string>& known) {
  Properties properties;
  for (const std::string& argument : arguments) TRY_WITH(add(argument, known, properties), flag);
  return properties;
}

Result<Properties> read_properties(const std::string& file, const std::vector<std::string>& known) {
  std::ifstream in(file);
  Properties properties;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#' || text.front() == '!') continue;
    const std::size_t value = text.find('=') + 1;  // the value's own blanks in front go
    std::string entry(text.substr(0, value));
    if (value > 0) entry += trimmed(text.substr(value));
    TRY_WITH(add(value > 0 ? entry : text, known, properties), fmt::format("{}:{}", file, number));
  }
  if (!in.eof()) return fail(Code::NotFound, "{} cannot be read", file);
  return properties;
}

Result<Properties> merge_properties(const std::string& file,
                                    const std::vector<std::string>& arguments,
                                    const std::string& flag,
                                    const std::vector<std::string>& known) {
  Properties all;
  if (!file.empty()) all = TRY(read_properties(file, known));
  for (auto& [name, value] : TRY(parse_properties(arguments, flag, known))) all[name] = value;
  return all;
}

std::string property(const Properties& properties, const std::string& name,
                     const std::string& otherwise) {
  const auto found = properties.find(name);
  if (found == properties.end()) return otherwise;
  std::string out;
  const std::string& raw = found->second;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char next = raw[i] == '\\' && i + 1 < raw.size() ? raw[i + 1] : '\0';
    const char escaped = next == 't' ? '\t' : next == 'n' ? '\n' : next == '\\' ? '\\' : '\0';
    out += escaped != '\0' ? escaped : raw[i];
    if (escaped != '\0') ++i;
  }
  return out;
}

bool flag(const Properties& properties, const std::string& name, bool otherwise) {
  const auto found = properties.find(name);
  return found == properties.end() ? otherwise : found->second == "true";
}

}  // namespace penstock::main_room
