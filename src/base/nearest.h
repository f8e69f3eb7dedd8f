// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// The name of `known` that `word` is most likely a slip of; empty when none is near. Case does not
// count.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

// "; did you mean 'kafka'?" or nothing: the end of an error about an unknown name.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace penstock
