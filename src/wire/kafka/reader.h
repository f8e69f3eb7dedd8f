// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace penstock::kafka {

// Reads the protocol's primitives from bytes that it does not own. Bounded: what is not there reads
// as zero and sets failed() for good, so callers check once at the end of a structure instead of at
// each number.
class Reader {
 public:
  Reader() = default;
  explicit Reader(BytesView bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool failed() const { return failed_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  BytesView rest() const { return {at_, left()}; }

  // Gives up: nothing can be read any more.
  void fail() {
    at_ = end_;
    failed_ = true;
  }

  template <class T>
  T be() {
    if (left() < sizeof(T)) {
      fail();
      return T{};
    }
    T value;
    if constexpr (sizeof(T) == 1) {
      value = static_cast<T>(*at_);
    } else {
      value = load_be<T>(at_);
    }
    at_ += sizeof(T);
    return value;
  }

  // A view into the bytes, valid as long as they are.
  BytesView bytes(std::size_t count) {
    if (left() < count) {
      fail();
      return {};
    }
    const BytesView view{at_, count};
    at_ += count;
    return view;
  }

  // Unsigned LEB128 of at most 32 bits: lengths of flexible versions.
  std::uint32_t uvarint() {
    const std::uint64_t value = leb128(5);
    if (value > UINT32_MAX) {
      fail();
      return 0;
    }
    return static_cast<std::uint32_t>(value);
  }

  // Zigzag LEB128 of at most 32 and 64 bits: the numbers inside records.
  std::int32_t varint() {
    const std::uint32_t raw = uvarint();
    return static_cast<std::int32_t>((raw >> 1) ^ (~(raw & 1) + 1));
  }
  std::int64_t varlong() {
    const std::uint64_t raw = leb128(10);
    return static_cast<std::int64_t>((raw >> 1) ^ (~(raw & 1) + 1));
  }

 private:
  std::uint64_t leb128(int bytes_max) {
    if (at_ != end_ && static_cast<signed char>(*at_) >= 0) [[likely]] {
      return static_cast<unsigned char>(*at_++);
    }
    return leb128_long(bytes_max);
  }

  std::uint64_t leb128_long(int bytes_max) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes_max && at_ != end_; ++i) {
      const auto byte = static_cast<unsigned char>(*at_++);
      // The tenth byte has room for one bit only.
      if (i == 9 && byte > 1) break;
      value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  bool failed_ = false;
};

}  // namespace penstock::kafka
