// SPDX-License-Identifier: Apache-2.0
// What nearly every file of the house includes, compiled once for all of them. Nothing relies on
// it: each header still includes what it uses, and the `headers` target compiles each one without
// this.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
