// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "wire/cql/cell_value.h"
#include "wire/cql/consistency.h"

namespace penstock::cql {

// A node's address on the wire ([inet] of the spec).
struct Inet {
  Bytes address;  // 4 or 16 bytes
  std::int32_t port = 0;

  friend bool operator==(const Inet&, const Inet&) = default;
};

// Reads the notations of the CQL spec (section 3) from a body. The first read past the end, or of
// something impossible, makes the reader fail for good: reads then give zeros and empty views, and
// status() says what went wrong. So a decoder reads straight through, asks ok() in loops, and
// checks once. Views point into the body.
class Reader {
 public:
  explicit Reader(BytesView body, std::uint8_t version)
      : at_(body.data()), end_(body.data() + body.size()), version_(version) {}

  std::uint8_t version() const { return version_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  BytesView rest() const { return {at_, left()}; }
  bool ok() const { return problem_ == nullptr; }
  // Corrupt, naming `what`, if something was wrong. Bytes left over are none of it: the spec says
  // to ignore them.
  Result<void> status(std::string_view what) const;
  void fail_with(const char* problem);  // a literal

  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::int32_t i32() { return number<std::int32_t>(); }
  std::int64_t i64() { return number<std::int64_t>(); }
  BytesView raw(std::size_t size) {
    if (size > left()) [[unlikely]] {
      fail_with("it ends too early");
      return {};
    }
    return {std::exchange(at_, at_ + size), size};
  }
  std::string_view string() { return raw(u16()); }
  std::string_view long_string();
  BytesView short_bytes() { return raw(u16()); }
  CellValue bytes();  // any negative length is null
  // [value]: -1 null, -2 unset (v4; v3 has no unset and reads every negative length as null).
  CellValue value() {
    const std::int32_t size = i32();
    if (size >= 0) [[likely]]
      return CellValue(raw(static_cast<std::size_t>(size)));
    if (size == -1 || version_ < 4) return CellValue::null();
    if (size != -2) fail_with("a value has a length below -2");
    return CellValue::unset();
  }
  Consistency consistency();
  Uuid uuid();
  Inet inet();
  std::vector<std::string> string_list();
  std::vector<std::pair<std::string, std::string>> string_map();
  std::vector<std::pair<std::string, std::vector<std::string>>> string_multimap();

 private:
  template <class T>
  T number() {
    if (sizeof(T) > left()) [[unlikely]] {
      fail_with("it ends too early");
      return 0;
    }
    const char* from = std::exchange(at_, at_ + sizeof(T));
    if constexpr (sizeof(T) == 1) {
      return static_cast<T>(*from);
    } else {
      return load_be<T>(from);
    }
  }

  const char* at_;
  const char* end_;
  std::uint8_t version_;
  const char* problem_ = nullptr;
};

// Appends the same notations to a body. Texts longer than their length field allows are cut
// ([string], [short bytes]).
class Writer {
 public:
  Writer(Bytes& to, std::uint8_t version) : to_(to), version_(version) {}

  std::uint8_t version() const { return version_; }
  Bytes& bytes_so_far() { return to_; }

  void u8(std::uint8_t number) { to_.push_back(static_cast<char>(number)); }
  void u16(std::uint16_t number) { append_be(to_, number); }
  void i32(std::int32_t number) { append_be(to_, number); }
  void i64(std::int64_t number) { append_be(to_, number); }
  void raw(BytesView bytes) { to_.append(bytes); }
  void string(std::string_view text);
  void long_string(std::string_view text);
  void short_bytes(BytesView bytes);
  void value(const CellValue& value) {  // also [bytes]
    append_be(to_, value.wire_length());
    if (!value.absent()) to_.append(value.view());
  }
  void consistency(Consistency level) { u16(static_cast<std::uint16_t>(level)); }
  void uuid(const Uuid& id) { raw(id.view()); }
  void inet(const Inet& inet);
  void string_list(std::span<const std::string> list);
  void string_map(std::span<const std::pair<std::string, std::string>> map);
  void string_multimap(std::span<const std::pair<std::string, std::vector<std::string>>> map);

 private:
  Bytes& to_;
  std::uint8_t version_;
};

}  // namespace penstock::cql
