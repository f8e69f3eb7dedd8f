// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/bytes.h"

namespace penstock {

// What `fill` writes, which is told where to, and returns how many bytes it wrote: at most
// `bytes_max`. It must not throw. For large reads: unlike a string of that size, the memory is not
// zeroed first.
Bytes bytes_filled(std::size_t bytes_max, const std::function<std::size_t(char* to)>& fill);

}  // namespace penstock
