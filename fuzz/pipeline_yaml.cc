// SPDX-License-Identifier: Apache-2.0
// Any text as a pipeline file: either a specification, or at least one error.
#include "stream/pipeline.h"

using namespace penstock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed =
      stream::parse_pipeline({reinterpret_cast<const char*>(data), size}, "fuzz.yaml",
                             [](const std::string&) { return std::nullopt; });
  bool error = false;
  for (const auto& problem : parsed.problems)
    error |= problem.severity == stream::Problem::Severity::Error;
  if (error == parsed.spec.has_value()) __builtin_trap();
  return 0;
}
