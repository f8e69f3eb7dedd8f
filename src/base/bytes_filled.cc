// SPDX-License-Identifier: Apache-2.0
#include "base/bytes_filled.h"

namespace penstock {

Bytes bytes_filled(std::size_t bytes_max, const std::function<std::size_t(char* to)>& fill) {
  Bytes bytes;
  bytes.resize_and_overwrite(bytes_max, [&](char* to, std::size_t) { return fill(to); });
  return bytes;
}

}  // namespace penstock
