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

// The same from a file: a NAME=VALUE a line; empty lines and those that begin with # or ! say
// nothing. An error names the file and the line.
Result<Properties> read_properties(const std::string& file,
                                   const std::vector<std::string>& known = {});

// What a file says (an empty name is none), overridden by what the arguments say.
Result<Properties> merge_properties(const std::string& file,
                                    const std::vector<std::string>& arguments,
                                    const std::string& flag,
                                    const std::vector<std::string>& known = {});

// The value, or `otherwise`; \t and \n and \\ stand for themselves, so that a shell need not make
// them.
std::string property(const Properties& properties, const std::string& name,
                     const std::string& otherwise);
bool flag(const Properties& properties, const std::string& name, bool otherwise);

}  // namespace penstock::main_room
