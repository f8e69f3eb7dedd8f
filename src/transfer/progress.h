// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace penstock::transfer {

// What a person may see while a transfer runs. Called often, on the thread that runs it.
struct Progress {
  // "records exported", how many, of how many; 0: not known.
  std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> at;
  // One sentence that a person should know; the transfer goes on.
  std::function<void(const std::string&)> note;
};

}  // namespace penstock::transfer
