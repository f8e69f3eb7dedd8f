// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <compare>
#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace penstock {

// A T that cannot be mixed up with another T: `using Offset = Named<std::int64_t, struct
// OffsetTag>;`
template <class T, class Tag>
class Named {
 public:
  using Value = T;

  constexpr Named() = default;
  constexpr explicit Named(T value) : value_(std::move(value)) {}
  // Text ids may be made from a view or a literal.
  template <class U>
  requires std::same_as<T, std::string> && std::convertible_to<U, std::string_view> &&
      (!std::same_as<std::decay_t<U>, T>)constexpr explicit Named(const U& text)
      : value_(std::string_view(text)) {}

  constexpr const T& value() const { return value_; }
  constexpr T& value() { return value_; }

  friend constexpr auto operator<=>(const Named&, const Named&) = default;
  friend constexpr bool operator==(const Named&, const Named&) = default;

  // Counting ids (offsets, generations) move by plain numbers and differ by plain numbers.
  constexpr Named& operator++() requires std::integral<T> {
    ++value_;
    return *this;
  }
  friend constexpr Named operator+(Named a, T steps) requires std::integral<T> {
    return Named(static_cast<T>(a.value_ + steps));
  }
  friend constexpr Named operator-(Named a, T steps) requires std::integral<T> {
    return Named(static_cast<T>(a.value_ - steps));
  }
  friend constexpr T operator-(Named a, Named b) requires std::integral<T> {
    return static_cast<T>(a.value_ - b.value_);
  }

 private:
  T value_{};
};

}  // namespace penstock

template <class T, class Tag>
struct std::hash<penstock::Named<T, Tag>> {
  std::size_t operator()(const penstock::Named<T, Tag>& id) const noexcept {
    return std::hash<T>{}(id.value());
  }
};

template <class T, class Tag>
struct fmt::formatter<penstock::Named<T, Tag>> : fmt::formatter<T> {
  template <class Context>
  auto format(const penstock::Named<T, Tag>& id, Context& context) const {
    return fmt::formatter<T>::format(id.value(), context);
  }
};
