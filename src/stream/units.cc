// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <cmath>

#include "stream/pipeline.h"

namespace penstock::stream {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr auto kDurations = std::to_array<Unit>({{"ms", 1},
                                                 {"millisecond", 1},
                                                 {"milliseconds", 1},
                                                 {"s", 1000},
                                                 {"sec", 1000},
                                                 {"second", 1000},
                                                 {"seconds", 1000},
                                                 {"m", 60'000},
                                                 {"min", 60'000},
                                                 {"minute", 60'000},
                                                 {"minutes", 60'000},
                                                 {"h", 3'600'000},
                                                 {"hour", 3'600'000},
                                                 {"hours", 3'600'000}});
constexpr auto kSizes = std::to_array<Unit>({{"", 1},
                                             {"b", 1},
                                             {"kb", 1e3},
                                             {"mb", 1e6},
                                             {"gb", 1e9},
                                             {"k", 1024},
                                             {"m", 1 << 20},
                                             {"g", 1 << 30},
                                             {"kib", 1024},
                                             {"mib", 1 << 20},
                                             {"gib", 1 << 30}});

struct Quantity {
  double number;
  std::string unit;  // lower case
};
std::optional<Quantity> split(std::string_view text) {
  Quantity out{};
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out.number, std::chars_format::fixed);
  if (error != std::errc{} || out.number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  for (const char c : text)
    out.unit.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  return out;
}

}  // namespace

Result<Millis> parse_duration(std::string_view text) {
  const auto quantity = split(text);
  if (quantity && quantity->number == 0 && quantity->unit.empty()) return Millis(0);
  for (const Unit& unit : kDurations) {
    if (!quantity || quantity->unit != unit.name) continue;
    const double millis = quantity->number * unit.factor;
    if (millis > 1e12) break;
    return Millis(static_cast<std::int64_t>(std::llround(millis)));
  }
  return fail(Code::InvalidArgument,
              "'{}' is not a duration; write a number and a unit, as in 500ms, 10s, 5m or 1h",
              text);
}

Result<std::size_t> parse_bytes(std::string_view text) {
  const auto quantity = split(text);
  for (const Unit& unit : kSizes) {
    if (!quantity || quantity->unit != unit.name) continue;
    const double bytes = quantity->number * unit.factor;
    if (bytes > 1e15) break;
    return static_cast<std::size_t>(bytes);
  }
  return fail(Code::InvalidArgument,
              "'{}' is not a size; write a number and a unit, as in 64KiB, 256MB or 1048576", text);
}

}  // namespace penstock::stream
