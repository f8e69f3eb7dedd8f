// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock {

// What is wrong with a text that should be YAML. Line and column count from 1; 0 when it is the
// whole text.
struct YamlFault {
  int line = 0;
  int column = 0;
  std::string message;
};

// Whether yaml-cpp may be given this text at all, and reads it to its end. It guesses UTF-16 and
// UTF-32, never ends on some bytes that are neither, recurses over nesting, and goes silent at a
// token that begins nothing (a comma in front). So a configuration must be UTF-8 without NUL, of
// 1 MiB at most, nested no deeper than a person would, and one document and nothing else. What this
// passes, YAML::Load() takes whole.
std::optional<YamlFault> yaml_fault(std::string_view text);

}  // namespace penstock
