// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string_view>

// The words that a message declaration is made of. A message names each field once, in wire order:
//
//   static void walk(auto& io, auto& m) {
//     io.field("GroupId", m.group, since(0));
//     io.field("GroupInstanceId", m.instance, since(7), nullable_since(7));
//     io.field("RetentionTimeMs", m.retention_ms, versions(2, 4), ignorable);
//   }
//
// and the walkers (Encoder, Decoder, Printer, Arbitrary, Shape) run that function. The C++ type of
// the member is the type on the wire (traits.h); io.bytes and io.records mark what is not text.
// Names are those of Kafka's own definitions: a test (tests/compat/kafka_shapes_test.py) compares
// the two.
namespace penstock::kafka {

// A closed range of versions.
struct Versions {
  std::int16_t first = 0;
  std::int16_t last = 0;

  constexpr bool contains(std::int16_t version) const {
    return first <= version && version <= last;
  }
  friend constexpr bool operator==(const Versions&, const Versions&) = default;
};

inline constexpr std::int16_t kVersionMax = std::numeric_limits<std::int16_t>::max();
inline constexpr Versions kNoVersion{1, 0};

constexpr Versions since(std::int16_t first) {
  return {first, kVersionMax};
}
constexpr Versions versions(std::int16_t first, std::int16_t last) {
  return {first, last};
}
constexpr Versions only(std::int16_t version) {
  return {version, version};
}

// One API of the protocol. Stands as `static constexpr Api api` in the request and in the response.
struct Api {
  std::int16_t key;
  std::string_view name;
  Versions versions;  // what we serve and advertise
  // First version with compact lengths and tagged fields (KIP-482).
  std::int16_t flexible_since = kVersionMax;

  constexpr bool flexible(std::int16_t version) const { return version >= flexible_since; }
};

// What a declaration says about one field.
struct Field {
  std::string_view name;
  Versions versions;
  Versions nullable = kNoVersion;
  int tag = -1;            // >= 0: travels in the tagged section of its struct
  bool ignorable = false;  // a version without the field may drop its value silently

  constexpr bool tagged() const { return tag >= 0; }
};

// Options of a field.
struct NullableOption {
  Versions versions;
};
struct TagOption {
  int tag;
};
struct IgnorableOption {};

constexpr NullableOption nullable(Versions when) {
  return {when};
}
constexpr NullableOption nullable_since(std::int16_t first) {
  return {since(first)};
}
constexpr TagOption tagged(int tag) {
  return {tag};
}
inline constexpr IgnorableOption ignorable{};

template <class... Options>
constexpr Field make_field(std::string_view name, Versions when, Options... options) {
  Field field{.name = name, .versions = when};
  [[maybe_unused]] const auto apply = [&field](auto option) {
    if constexpr (std::same_as<decltype(option), NullableOption>) field.nullable = option.versions;
    if constexpr (std::same_as<decltype(option), TagOption>) field.tag = option.tag;
    if constexpr (std::same_as<decltype(option), IgnorableOption>) field.ignorable = true;
  };
  (apply(options), ...);
  return field;
}

}  // namespace penstock::kafka
