// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "wire/kafka/api.h"
#include "wire/kafka/traits.h"

namespace penstock::kafka {

// The walker that fills a message with random values that its version can say; what the version
// cannot say stays as it was made. For property tests. Views in the message live as long as the
// walker.
class Arbitrary {
 public:
  Arbitrary(std::uint64_t seed, std::int16_t version) : random_(seed), version_(version) {}

  template <class T, class... Options>
  void field(std::string_view name, T& value, Versions when, Options... options) {
    const Field spec = make_field(name, when, options...);
    if (when.contains(version_)) fill(spec, value);
  }
  template <class T, class... Options>
  void bytes(std::string_view name, T& value, Versions when, Options... options) {
    const Field spec = make_field(name, when, options...);
    if (!when.contains(version_)) return;
    if constexpr (kIsOptional<T>) {
      value.reset();
      if (!null(spec)) value.emplace(typename T::value_type(some_bytes()));
    } else {
      value = some_bytes();
    }
  }
  template <class T, class... Options>
  void records(std::string_view name, T& value, Versions when, Options... options) {
    bytes(name, value, when, options...);
  }

  template <class T>
  void object(T& value) {
    T::walk(*this, value);
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool null(const Field& spec) { return spec.nullable.contains(version_) && below(4) == 0; }

  BytesView some_bytes() {
    Bytes bytes(below(3) == 0 ? below(6000) : below(40), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return kept_.emplace_back(std::move(bytes));
  }

  template <class T>
  void fill(const Field& spec, T& value) {
    if constexpr (kIsOptional<T>) {
      value.reset();
      if (!null(spec)) fill(spec, value.emplace());
    } else if constexpr (Text<T>) {
      std::string text(below(20) == 0 ? below(400) : below(12), '\0');
      for (char& c : text) c = static_cast<char>('a' + below(26));
      value = T(std::move(text));
    } else if constexpr (kIsVector<T>) {
      value.clear();
      for (std::size_t left = below(4); left; --left) fill(spec, value.emplace_back());
    } else if constexpr (std::same_as<T, Uuid>) {
      for (auto& byte : value.bytes) byte = static_cast<std::uint8_t>(random_());
    } else if constexpr (std::same_as<T, bool>) {
      value = below(2) == 1;
    } else if constexpr (Number<T>) {
      value = T(static_cast<Plain<T>>(below(3) == 0 ? below(3) : random_()));
    } else {
      object(value);
    }
  }

  std::mt19937_64 random_;
  std::int16_t version_;
  std::deque<Bytes> kept_;
};

}  // namespace penstock::kafka
