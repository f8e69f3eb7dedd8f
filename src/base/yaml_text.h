// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"

namespace penstock {

// Whether yaml-cpp may be given this text at all. It guesses UTF-16 and UTF-32, never ends on some
// bytes that are neither, and recurses over nesting; so a configuration must be UTF-8 without NUL,
// of 1 MiB at most, and nested no deeper than a person would. InvalidArgument says which it is not.
Result<void> check_yaml_text(std::string_view text);

}  // namespace penstock
