// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>

#include "base/bytes.h"
#include "wire/kafka/api.h"
#include "wire/kafka/traits.h"

namespace penstock::kafka {

// The walker that writes down, as JSON, what a message declares: for the comparison with Kafka's
// own definitions.
class Shape {
 public:
  template <class T, class... Options>
  void field(std::string_view name, T& value, Versions when, Options... options) {
    describe(make_field(name, when, options...), type_of<T>(), value);
  }
  template <class T, class... Options>
  void bytes(std::string_view name, T& value, Versions when, Options... options) {
    describe(make_field(name, when, options...), "bytes", value);
  }
  template <class T, class... Options>
  void records(std::string_view name, T& value, Versions when, Options... options) {
    describe(make_field(name, when, options...), "records", value);
  }

  // `[{"name": "GroupId", "type": "string", ...}, ...]`
  template <class T>
  static std::string fields() {
    Shape shape;
    T fresh{};
    T::walk(shape, fresh);
    return "[" + shape.json_ + "]";
  }

 private:
  template <class T>
  static std::string type_of() {
    if constexpr (kIsOptional<T>) {
      return type_of<typename T::value_type>();
    } else if constexpr (kIsVector<T>) {
      return "[]" + type_of<typename T::value_type>();
    } else if constexpr (Text<T>) {
      return "string";
    } else if constexpr (std::same_as<T, Uuid>) {
      return "uuid";
    } else if constexpr (std::same_as<T, bool>) {
      return "bool";
    } else if constexpr (Number<T>) {
      return fmt::format("int{}", 8 * sizeof(Plain<T>));
    } else {
      return "struct";
    }
  }

  template <class T>
  static std::string fields_inside() {
    if constexpr (kIsOptional<T> || kIsVector<T>) {
      return fields_inside<typename T::value_type>();
    } else if constexpr (Struct<T> && !std::same_as<T, BytesView>) {
      return fields<T>();
    } else {
      return "[]";
    }
  }

  template <class T>
  static std::string default_of(const T& value) {
    if constexpr (kIsOptional<T>) {
      return "null";
    } else if constexpr (Number<T>) {
      return fmt::format("{}", plain(value));
    } else {
      return "\"\"";
    }
  }

  template <class T>
  void describe(const Field& spec, std::string_view type, const T& value) {
    if (!json_.empty()) json_ += ",\n";
    fmt::format_to(
        std::back_inserter(json_),
        R"({{"name": "{}", "type": "{}", "versions": [{}, {}], "optional": {}, "nullable": [{}, {}], )"
        R"("tag": {}, "ignorable": {}, "default": {}, "fields": {}}})",
        spec.name, type, spec.versions.first, spec.versions.last, kIsOptional<T>,
        spec.nullable.first, spec.nullable.last, spec.tag, spec.ignorable, default_of(value),
        fields_inside<T>());
  }

  std::string json_;
};

}  // namespace penstock::kafka
