// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace penstock {

// Prints the broken invariant with its place and a stack, and aborts. For what no input can cause.
[[noreturn]] void check_failed(std::string_view condition, std::string_view file, int line,
                               std::string_view message);

}  // namespace penstock

// An invariant of our own, checked in every build. Never reachable from the network, a file or a
// flag: those get a Result.
#define CHECK(condition, ...)                                                                    \
  do {                                                                                           \
    if (!(condition)) [[unlikely]]                                                               \
      ::penstock::check_failed(#condition, __FILE__, __LINE__, ::std::string_view{__VA_ARGS__}); \
  } while (false)
