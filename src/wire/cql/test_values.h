// SPDX-License-Identifier: Apache-2.0
// Random well-formed values, for property tests.
#pragma once

#include <random>

#include "base/uuid.h"
#include "wire/cql/calendar.h"
#include "wire/cql/scalar_types.h"
#include "wire/cql/types.h"

namespace penstock::cql {

class ValueSource {
 public:
  explicit ValueSource(unsigned seed) : random_(seed) {}

  std::uint64_t number(std::uint64_t below) { return random_() % below; }

  // Many small and extreme values: order and lengths go wrong at the edges.
  std::int64_t integer() {
    switch (number(4)) {
      case 0:
        return static_cast<std::int64_t>(number(5)) - 2;
      case 1:
        return std::numeric_limits<std::int64_t>::min() + static_cast<std::int64_t>(number(3));
      case 2:
        return std::numeric_limits<std::int64_t>::max() - static_cast<std::int64_t>(number(3));
      default:
        return static_cast<std::int64_t>(random_()) >> number(64);
    }
  }

  Bytes text() {
    constexpr std::string_view kAlphabet("\0\1ab\x7f", 5);
    Bytes bytes;
    for (std::uint64_t left = number(4); left > 0; --left)
      bytes.push_back(kAlphabet[number(kAlphabet.size())]);
    return bytes;
  }

  Bytes bytes(std::size_t size) {
    Bytes bytes;
    for (std::size_t i = 0; i < size; ++i)
      bytes.push_back(static_cast<char>(number(3) == 0 ? 0xFF : random_()));
    return bytes;
  }

  double floating() {
    constexpr double kEdges[] = {0.0,
                                 -0.0,
                                 1.0,
                                 -1.0,
                                 std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity(),
                                 std::numeric_limits<double>::quiet_NaN(),
                                 1e-40,
                                 -1e-40,
                                 1e30,
                                 1.5};
    return number(2) == 0 ? kEdges[number(std::size(kEdges))]
                          : static_cast<double>(integer()) / 3.0;
  }

  Bytes scalar(Kind kind) {
    switch (kind) {
      case Kind::Ascii:
      case Kind::Text:
      case Kind::Blob:
        return text();
      case Kind::Boolean:
        return encode<Kind::Boolean>(number(2) == 0);
      case Kind::Float:
        return encode<Kind::Float>(static_cast<float>(floating()));
      case Kind::Double:
        return encode<Kind::Double>(floating());
      case Kind::Tinyint:
        return encode<Kind::Tinyint>(static_cast<std::int8_t>(random_()));
      case Kind::Smallint:
        return encode<Kind::Smallint>(static_cast<std::int16_t>(random_()));
      case Kind::Int:
        return encode<Kind::Int>(static_cast<std::int32_t>(integer()));
      case Kind::Date:
        return encode<Kind::Date>(static_cast<std::uint32_t>(integer()));
      case Kind::Time:
        return encode<Kind::Time>(
            static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(kNanosADay)));
      case Kind::Uuid:
      case Kind::Timeuuid: {
        Bytes uuid = bytes(16);
        const bool v1 = kind == Kind::Timeuuid || number(2) == 0;
        uuid[6] = static_cast<char>((uuid[6] & 0x0F) | (v1 ? 0x10 : 0x40));
        return uuid;
      }
      case Kind::Inet:
        return bytes(number(2) == 0 ? 4 : 16);
      case Kind::Varint:
        return bytes(1 + number(number(8) == 0 ? 200 : 4));
      case Kind::Decimal:
        return encode<Kind::Decimal>(
            {bytes(1 + number(3)), static_cast<std::int32_t>(number(8)) - 4});
      case Kind::Duration: {
        const int sign = number(2) == 0 ? 1 : -1;
        return encode<Kind::Duration>(
            {sign * static_cast<std::int32_t>(number(1000)),
             sign * static_cast<std::int32_t>(number(1000)),
             sign * static_cast<std::int64_t>(number(1'000'000'000'000))});
      }
      default:
        return encode<Kind::Bigint>(integer());
    }
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace penstock::cql
