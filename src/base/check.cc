// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <execinfo.h>

#include <cstdio>
#include <cstdlib>

namespace penstock {

void check_failed(std::string_view condition, std::string_view file, int line,
                  std::string_view message) {
  std::fprintf(stderr, "CHECK failed: %.*s at %.*s:%d %.*s\n", static_cast<int>(condition.size()),
               condition.data(), static_cast<int>(file.size()), file.data(), line,
               static_cast<int>(message.size()), message.data());
  void* frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), 2);
  std::abort();
}

}  // namespace penstock
