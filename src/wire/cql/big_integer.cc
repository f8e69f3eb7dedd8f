// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/big_integer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

#include "base/check.h"

namespace penstock::cql {
namespace {

constexpr std::uint32_t kBillion = 1'000'000'000;
constexpr std::size_t kBillionDigits = 9;

// Magnitudes: base 2^32, least significant limb first.
using Limbs = std::vector<std::uint32_t>;

std::uint32_t divide_by_billion(Limbs& limbs) {
  std::uint64_t rest = 0;
  for (std::size_t i = limbs.size(); i-- > 0;) {
    rest = rest << 32 | limbs[i];
    limbs[i] = static_cast<std::uint32_t>(rest / kBillion);
    rest %= kBillion;
  }
  while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
  return static_cast<std::uint32_t>(rest);
}

void multiply_and_add(Limbs& limbs, std::uint32_t factor, std::uint32_t summand) {
  std::uint64_t carry = summand;
  for (std::uint32_t& limb : limbs) {
    carry += static_cast<std::uint64_t>(limb) * factor;
    limb = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) limbs.push_back(static_cast<std::uint32_t>(carry));
}

void negate(Bytes& bytes) {
  bool carry = true;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    bytes[i] = static_cast<char>(~bytes[i] + (carry ? 1 : 0));
    carry = carry && bytes[i] == 0;
  }
}

}  // namespace

std::string integer_digits(BytesView bytes) {
  CHECK(bytes.size() <= kIntegerBytesMax);
  bytes = shortest_integer(bytes);
  if (bytes.empty()) return "0";
  const bool negative = static_cast<signed char>(bytes[0]) < 0;
  if (bytes.size() <= 8) {
    std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
    for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
    return fmt::format("{}", static_cast<std::int64_t>(value));
  }
  Bytes magnitude(bytes);
  if (negative) negate(magnitude);
  Limbs limbs;
  for (std::size_t end = magnitude.size(); end > 0; end -= std::min<std::size_t>(end, 4)) {
    std::uint32_t limb = 0;
    for (std::size_t i = end - std::min<std::size_t>(end, 4); i < end; ++i) {
      limb = limb << 8 | static_cast<std::uint8_t>(magnitude[i]);
    }
    limbs.push_back(limb);
  }
  std::vector<std::uint32_t> groups;
  while (!limbs.empty()) groups.push_back(divide_by_billion(limbs));
  std::string digits = fmt::format("{}{}", negative ? "-" : "", groups.back());
  for (std::size_t i = groups.size() - 1; i-- > 0;)
    fmt::format_to(std::back_inserter(digits), "{:09}", groups[i]);
  return digits;
}

void append_integer(bool negative, std::string_view digits, Bytes& to) {
  CHECK(digits.size() <= kIntegerDigitsMax);
  Limbs limbs;
  while (!digits.empty()) {
    const std::size_t take = (digits.size() - 1) % kBillionDigits + 1;
    std::uint32_t group = 0;
    std::uint32_t factor = 1;
    for (const char digit : digits.substr(0, take)) {
      group = group * 10 + static_cast<std::uint32_t>(digit - '0');
      factor *= 10;
    }
    multiply_and_add(limbs, factor, group);
    digits.remove_prefix(take);
  }
  Bytes bytes(1, '\0');  // room for the sign
  for (std::size_t i = limbs.size(); i-- > 0;) append_be(bytes, limbs[i]);
  if (negative) negate(bytes);
  to.append(shortest_integer(bytes));
}

BytesView shortest_integer(BytesView bytes) {
  while (bytes.size() > 1) {
    const bool next_negative = static_cast<signed char>(bytes[1]) < 0;
    if (bytes[0] != (next_negative ? '\xff' : '\0')) break;
    bytes.remove_prefix(1);
  }
  return bytes;
}

}  // namespace penstock::cql
