// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/named.h"
#include "base/uuid.h"

// Which C++ type of a message's member stands for which type of the protocol:
// bool, int8..int64 (also as enum or Named) are themselves; std::string (also Named) is a string;
// Uuid 16 raw bytes; std::vector an array; std::optional what may be null in some version; any
// other class a nested struct with its own walk().
namespace penstock::kafka {

template <class T>
inline constexpr bool kIsNamed = false;
template <class T, class Tag>
inline constexpr bool kIsNamed<Named<T, Tag>> = true;

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;

// The number or text inside a Named or an enum; other values as they are.
template <class T>
constexpr decltype(auto) plain(const T& value) {
  if constexpr (kIsNamed<T>) {
    return value.value();
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::underlying_type_t<T>>(value);
  } else {
    return value;
  }
}

template <class T>
using Plain = std::remove_cvref_t<decltype(plain(std::declval<const T&>()))>;

template <class T>
concept Number = std::integral<Plain<T>>;
template <class T>
concept Text = std::same_as<Plain<T>, std::string>;
template <class T>
concept Struct =
    !Number<T> && !Text<T> && !kIsVector<T> && !kIsOptional<T> && !std::same_as<T, Uuid>;

}  // namespace penstock::kafka
