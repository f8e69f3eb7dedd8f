// SPDX-License-Identifier: Apache-2.0
#include "main/properties.h"

#include <algorithm>

#include "base/nearest.h"

namespace penstock::main_room {

Result<Properties> parse_properties(const std::vector<std::string>& arguments,
                                    const std::string& flag,
                                    const std::vector<std::string>& known) {
  Properties properties;
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Code::InvalidArgument, "{} wants NAME=VALUE, not '{}'", flag, argument);
    }
    const std::string name = argument.substr(0, equals);
    if (!known.empty() && std::find(known.begin(), known.end(), name) == known.end()) {
      return fail(Code::InvalidArgument, "{}: unknown property '{}'{}", flag, name,
                  did_you_mean(name, known));
    }
    properties[name] = argument.substr(equals + 1);
  }
  return properties;
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
