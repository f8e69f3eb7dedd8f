// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>

#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/traits.h"

namespace penstock::kafka {

// The walker that makes a message readable in a log line: `{GroupId: "g", Topics: [{Name: "t"}, ...
// 40 more]}`. Bytes and records show as sizes: what users send does not belong into logs.
class Printer {
 public:
  static constexpr std::size_t kElementsMax = 8;
  static constexpr std::size_t kTextBytesMax = 128;

  template <class T, class... Options>
  void field(std::string_view name, const T& value, Versions, Options...) {
    label(name);
    print(value);
  }
  template <class T, class... Options>
  void bytes(std::string_view name, const T& value, Versions, Options...) {
    label(name);
    if constexpr (kIsOptional<T>) {
      value ? size(value->size()) : void(text_ += "null");
    } else {
      size(value.size());
    }
  }
  template <class T, class... Options>
  void records(std::string_view name, const T& value, Versions when, Options... options) {
    bytes(name, value, when, options...);
  }

  template <class T>
  void object(const T& value) {
    text_ += '{';
    first_ = true;
    T::walk(*this, value);
    text_ += '}';
    first_ = false;
  }
  std::string take() { return std::move(text_); }

 private:
  void label(std::string_view name) {
    if (!std::exchange(first_, false)) text_ += ", ";
    fmt::format_to(std::back_inserter(text_), "{}: ", name);
  }
  void size(std::size_t bytes) { fmt::format_to(std::back_inserter(text_), "<{} bytes>", bytes); }

  template <class T>
  void print(const T& value) {
    if constexpr (kIsOptional<T>) {
      value ? print(*value) : void(text_ += "null");
    } else if constexpr (Text<T>) {
      const std::string& text = plain(value);
      fmt::format_to(std::back_inserter(text_), "\"{}\"{}", text.substr(0, kTextBytesMax),
                     text.size() > kTextBytesMax ? "..." : "");
    } else if constexpr (kIsVector<T>) {
      text_ += '[';
      for (std::size_t i = 0; i < value.size() && i < kElementsMax; ++i) {
        if (i) text_ += ", ";
        print(value[i]);
      }
      if (value.size() > kElementsMax) {
        fmt::format_to(std::back_inserter(text_), ", ... {} more", value.size() - kElementsMax);
      }
      text_ += ']';
    } else if constexpr (std::same_as<T, Uuid>) {
      text_ += value.text();
    } else if constexpr (std::same_as<T, KafkaError>) {
      text_ += name(value);
    } else if constexpr (Number<T>) {
      fmt::format_to(std::back_inserter(text_), "{}", plain(value));
    } else {
      object(value);
    }
  }

  std::string text_;
  bool first_ = true;
};

template <class Message>
std::string print(const Message& message) {
  Printer printer;
  printer.object(message);
  return printer.take();
}

}  // namespace penstock::kafka
