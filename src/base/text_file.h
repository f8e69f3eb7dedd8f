// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace penstock {

// All that the file holds (a file, a pipe or a terminal, until its end). The error says why not,
// for a folder too; the caller names the file. Blocks: for files that people wrote, at start-up.
Result<std::string> read_text_file(const std::filesystem::path& path);

// The same of an open descriptor, which stays open.
Result<std::string> read_text(int descriptor);

}  // namespace penstock
