// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "cql/parser.h"

// The parser takes any bytes: it answers with a statement or an error and stays within the text and
// its own depth.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(
      penstock::cql_server::parse_statement({reinterpret_cast<const char*>(data), size}));
  return 0;
}
