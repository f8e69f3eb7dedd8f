// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <fmt/format.h>

namespace penstock {

std::string hex(BytesView bytes, std::size_t bytes_max) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size() && i < bytes_max; ++i)
    fmt::format_to(std::back_inserter(out), "{}{:02x}", i == 0 ? "" : " ",
                   static_cast<unsigned char>(bytes[i]));
  if (bytes.size() > bytes_max) out += " ...";
  return out;
}

}  // namespace penstock
