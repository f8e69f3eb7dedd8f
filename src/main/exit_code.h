// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdio>

#include "base/result.h"

namespace penstock::main_room {

// What the process says when it ends (sysexits where one fits), the same for every command.
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,       // the command line is wrong
  kTemporary = 75,  // try again: nobody answers at the address
  kBadConfig = 78,  // the configuration or a pipeline is wrong
};

inline int exit_code(const Error& error) {
  return error.code == Code::Unavailable || error.code == Code::Timeout ? kTemporary : kFailed;
}

// Says on standard error why a command failed, and returns what to exit with.
inline int failed(const Error& error) {
  fmt::print(stderr, "penstock: {}\n", error.message);
  return exit_code(error);
}

inline int usage_error(std::string_view message) {
  fmt::print(stderr, "penstock: {}\n", message);
  return kUsage;
}

}  // namespace penstock::main_room
