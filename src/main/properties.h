// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace penstock::main_room {

// "name=value" arguments, as Kafka's console tools take them.
using Properties = std::map<std::string, std::string>;

// An error names the argument without '='. When `known` is not empty, other names are refused with
// a suggestion.
Result<Properties> parse_properties(const std::vector<std::string>& arguments,
                                    const std::string& flag,
                                    const std::vector<std::string>& known = {});

// The value, or `otherwise`; \t and \n and \\ stand for themselves, so that a shell need not make
// them.
std::string property(const Properties& properties, const std::string& name,
                     const std::string& otherwise);
bool flag(const Properties& properties, const std::string& name, bool otherwise);

}  // namespace penstock::main_room
