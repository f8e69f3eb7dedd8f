// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/kafka/api.h"
#include "wire/kafka/reader.h"
#include "wire/kafka/traits.h"

namespace penstock::kafka {

// The walker that reads a message. Strings are copied; records stay views into the bytes. Bounded
// by the bytes that are there, by kElementsMax and, as structs nest only as their types do, in
// depth. The first fault stops it.
class Decoder {
 public:
  // Array elements in one message, all told. Keeps small bytes from becoming many large structs.
  static constexpr std::size_t kElementsMax = 1'000'000;

  Decoder(BytesView bytes, std::int16_t version, bool flexible)
      : reader_(bytes), version_(version), flexible_(flexible) {}

  template <class T, class... Options>
  void field(std::string_view name, T& value, Versions when, Options... options) {
    const Field spec = make_field(name, when, options...);
    if (begin(spec)) {
      read(spec, value);
      end(spec);
    }
  }
  template <class T, class... Options>
  void bytes(std::string_view name, T& value, Versions when, Options... options) {
    const Field spec = make_field(name, when, options...);
    if (begin(spec)) {
      read_bytes(spec, value);
      end(spec);
    }
  }
  template <class T, class... Options>
  void records(std::string_view name, T& value, Versions when, Options... options) {
    bytes(name, value, when, options...);
  }

  // Reads one struct: its fields, then its tagged section.
  template <class T>
  void object(T& value) {
    T::walk(*this, value);
    if (flexible_) tagged_section(value);
  }

  std::size_t left() const { return reader_.left(); }
  bool failed() const { return reader_.failed(); }
  // Why it failed; only when it did.
  Error error() const {
    return Error{Code::Corrupt, fault_.empty() ? std::string("ends too early") : fault_};
  }

 private:
  static constexpr int kNoTag = -1;

  // Whether this field is to be read now: untagged ones in the first pass over a struct, one tagged
  // one in each pass that looks for a tag.
  bool begin(const Field& spec) {
    if (spec.tag != wanted_tag_ || !spec.versions.contains(version_) || reader_.failed())
      return false;
    wanted_tag_ = kNoTag;
    return true;
  }
  void end(const Field& spec) {
    wanted_tag_ = spec.tag;
    if (spec.tagged()) tag_seen_ = true;
    if (reader_.failed() && fault_.empty()) refuse(spec, "does not fit");
  }

  void refuse(const Field& spec, std::string_view why) {
    if (fault_.empty()) fault_ = fmt::format("{} {}", spec.name, why);
    reader_.fail();
  }

  template <class T>
  void tagged_section(T& value) {
    const std::uint32_t count = reader_.uvarint();
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
      const std::uint32_t tag = reader_.uvarint();
      const std::uint32_t size = reader_.uvarint();
      const BytesView body = reader_.bytes(size);
      if (reader_.failed() || tag > INT16_MAX) continue;  // unknown tags are skipped, never refused
      const Reader outer = std::exchange(reader_, Reader(body));
      wanted_tag_ = static_cast<int>(tag);
      tag_seen_ = false;
      T::walk(*this, value);
      wanted_tag_ = kNoTag;
      const bool torn = reader_.failed() || (tag_seen_ && reader_.left() != 0);
      reader_ = outer;
      if (torn) {
        if (fault_.empty()) fault_ = fmt::format("tagged field {} does not fit", tag);
        reader_.fail();
      }
    }
  }

  template <class T>
  void read(const Field& spec, T& value) {
    if constexpr (kIsOptional<T>) {
      read_optional(spec, value);
    } else if constexpr (Text<T>) {
      if (const auto size = read_length<std::int16_t>()) {
        value = T(std::string(reader_.bytes(*size)));
      } else {
        refuse(spec, "must not be null");
      }
    } else if constexpr (kIsVector<T>) {
      if (const auto count = read_length<std::int32_t>()) {
        read_elements(spec, value, *count);
      } else {
        refuse(spec, "must not be null");
      }
    } else if constexpr (std::same_as<T, Uuid>) {
      const BytesView raw = reader_.bytes(value.bytes.size());
      std::copy(raw.begin(), raw.end(), value.bytes.begin());
    } else if constexpr (std::same_as<T, bool>) {
      value = reader_.be<std::int8_t>() != 0;
    } else if constexpr (Number<T>) {
      value = T(reader_.be<Plain<T>>());
    } else {
      object(value);
    }
  }

  template <class T>
  void read_optional(const Field& spec, std::optional<T>& value) {
    static_assert(Text<T> || kIsVector<T>, "only strings, bytes and arrays may be null here");
    using Length = std::conditional_t<Text<T>, std::int16_t, std::int32_t>;
    const auto length = read_length<Length>();
    if (!length) {
      value.reset();
      if (!spec.nullable.contains(version_)) refuse(spec, "must not be null");
      return;
    }
    if constexpr (Text<T>) {
      value.emplace(std::string(reader_.bytes(*length)));
    } else {
      read_elements(spec, value.emplace(), *length);
    }
  }

  template <class T>
  void read_elements(const Field& spec, std::vector<T>& value, std::size_t count) {
    value.clear();
    if (count > reader_.left()) return refuse(spec, "claims more elements than there are bytes");
    if (count > elements_left_) return refuse(spec, "makes more elements than a message may have");
    elements_left_ -= count;
    // The count is a claim: memory follows the bytes that were really read.
    value.reserve(std::min<std::size_t>(count, 256));
    for (std::size_t i = 0; i < count && !reader_.failed(); ++i) read(spec, value.emplace_back());
  }

  template <class T>
  void read_bytes(const Field& spec, T& value) {
    const auto size = read_length<std::int32_t>();
    if constexpr (kIsOptional<T>) {
      if (size) {
        value.emplace(reader_.bytes(*size));
      } else {
        value.reset();
        if (!spec.nullable.contains(version_)) refuse(spec, "must not be null");
      }
    } else if (size) {
      value = reader_.bytes(*size);
    } else {
      refuse(spec, "must not be null");
    }
  }

  // nullopt is null. Classic versions use an int16 for strings and an int32 for the rest, flexible
  // ones a varint of N + 1.
  template <class Length>
  std::optional<std::size_t> read_length() {
    if (flexible_) {
      const std::uint32_t length = reader_.uvarint();
      if (reader_.failed()) return 0;
      return length == 0 ? std::nullopt : std::optional<std::size_t>(length - 1);
    }
    const auto length = reader_.be<Length>();
    if (length < -1) reader_.fail();
    if (reader_.failed()) return 0;
    return length == -1 ? std::nullopt
                        : std::optional<std::size_t>(static_cast<std::size_t>(length));
  }

  Reader reader_;
  std::int16_t version_;
  bool flexible_;
  int wanted_tag_ = kNoTag;
  bool tag_seen_ = false;
  std::size_t elements_left_ = kElementsMax;
  std::string fault_;
};

enum class Trailing { Refuse, Allow };

// A whole message. Bytes after it are refused, or allowed where the peer is not ours to judge.
template <class Message>
Result<Message> decode_message(BytesView bytes, std::int16_t version, bool flexible,
                               Trailing trailing = Trailing::Refuse) {
  Decoder decoder(bytes, version, flexible);
  Message message;
  decoder.object(message);
  if (decoder.failed()) return fail(decoder.error());
  if (trailing == Trailing::Refuse && decoder.left() != 0) {
    return fail(Code::Corrupt, "{} bytes follow the message", decoder.left());
  }
  return message;
}

}  // namespace penstock::kafka
