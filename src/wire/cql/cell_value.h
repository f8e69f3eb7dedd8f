// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"

namespace penstock::cql {

// One value of one column as it travels: bytes borrowed from a frame or a row, or null (delete the
// cell), or unset (leave the cell alone). Empty bytes are a value, not null. Sixteen bytes,
// trivially copyable: batches hold them by the hundred thousand.
class CellValue {
 public:
  constexpr CellValue() = default;  // null
  // NOLINTNEXTLINE(google-explicit-constructor): bytes are a value
  constexpr CellValue(BytesView bytes)
      : data_(bytes.data()), length_(static_cast<std::int32_t>(bytes.size())) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  CellValue(const Bytes& bytes) : CellValue(BytesView(bytes)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr CellValue(const char* text) : CellValue(BytesView(text)) {}

  static constexpr CellValue null() { return {}; }
  static constexpr CellValue unset() {
    CellValue value;
    value.length_ = -2;
    return value;
  }

  constexpr bool is_null() const { return length_ == -1; }
  constexpr bool is_unset() const { return length_ == -2; }
  constexpr bool absent() const { return length_ < 0; }  // null or unset

  // The bytes; empty for null and unset, so ask first.
  constexpr BytesView view() const {
    return absent() ? BytesView() : BytesView(data_, static_cast<std::size_t>(length_));
  }
  constexpr std::size_t size() const { return absent() ? 0 : static_cast<std::size_t>(length_); }
  constexpr std::int32_t wire_length() const {
    return length_;
  }  // the spec's [value] length: -1 null, -2 unset

  friend constexpr bool operator==(const CellValue& a, const CellValue& b) {
    return a.length_ == b.length_ && a.view() == b.view();
  }

 private:
  const char* data_ = nullptr;
  std::int32_t length_ = -1;
};

}  // namespace penstock::cql
