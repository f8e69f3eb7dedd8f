// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/kafka/api.h"
#include "wire/kafka/traits.h"
#include "wire/kafka/writer.h"

namespace penstock::kafka {

// What to do with a value that the version has no field for.
enum class Unsaid {
  Refuse,  // requests: leaving it out would ask for something else (unless the field is ignorable)
  Drop,    // responses: an older client is told what it can understand
};

// The walker that writes a message to the end of `out`.
//
// With `pieces`, records of a mutable message are moved instead of copied: `out` so far and the
// records become pieces of their own, and `out` begins anew. finish() hands over the last piece.
class Encoder {
 public:
  // Records below this size are copied: a piece of its own costs more than the copy.
  static constexpr std::size_t kPieceBytesMin = 4096;

  Encoder(Bytes& out, std::int16_t version, bool flexible, Unsaid unsaid,
          std::vector<Bytes>* pieces = nullptr)
      : out_(&out), version_(version), flexible_(flexible), unsaid_(unsaid), pieces_(pieces) {}

  template <class T, class... Options>
  void field(std::string_view name, T& value, Versions when, Options... options) {
    one(make_field(name, when, options...), value,
        [this](const Field& spec, auto& v) { this->write(spec, v); });
  }
  template <class T, class... Options>
  void bytes(std::string_view name, T& value, Versions when, Options... options) {
    one(make_field(name, when, options...), value,
        [this](const Field& spec, auto& v) { this->write_bytes(spec, v); });
  }
  template <class T, class... Options>
  void records(std::string_view name, T& value, Versions when, Options... options) {
    one(make_field(name, when, options...), value, [this](const Field& spec, auto& v) {
      if (!this->write_piece(v)) this->write_bytes(spec, v);
    });
  }

  // Writes one struct: its fields, then its tagged section.
  template <class T>
  void object(T& value) {
    Level outer = std::exchange(level_, Level{&value, &fresh<std::remove_const_t<T>>(), 0, {}});
    std::remove_const_t<T>::walk(*this, value);
    if (flexible_) {
      append_uvarint(*out_, level_.tags);
      out_->append(level_.tagged);
    }
    level_ = std::move(outer);
  }

  // Only after this is everything in `pieces`.
  void finish() {
    if (pieces_) pieces_->push_back(std::move(*out_));
  }

  bool failed() const { return !fault_.empty(); }
  Error error() const { return Error{Code::InvalidArgument, fault_}; }

 private:
  // The struct that is being written. Tagged fields wait here, as they may be declared before
  // untagged ones.
  struct Level {
    const void* parent;
    const void* fresh;
    std::uint32_t tags;
    Bytes tagged;
  };

  template <class T>
  static const T& fresh() {
    static const T value{};
    return value;
  }

  // Whether `value` is what a reader assumes when the field is absent.
  template <class T>
  bool is_default(const T& value) const {
    const auto at = reinterpret_cast<const char*>(&value) - static_cast<const char*>(level_.parent);
    return value == *reinterpret_cast<const T*>(static_cast<const char*>(level_.fresh) + at);
  }

  void refuse(const Field& spec, std::string_view why) {
    if (fault_.empty()) fault_ = fmt::format("{} {}", spec.name, why);
  }

  template <class T, class Write>
  void one(const Field& spec, T& value, Write write) {
    if (!spec.versions.contains(version_)) {
      if (unsaid_ == Unsaid::Refuse && !spec.ignorable && !is_default(value)) {
        refuse(spec, fmt::format("cannot be said in version {}", version_));
      }
    } else if (!spec.tagged()) {
      write(spec, value);
    } else if (!is_default(value)) {
      Bytes body;
      Bytes* const out = std::exchange(out_, &body);
      write(spec, value);
      out_ = out;
      ++level_.tags;
      append_uvarint(level_.tagged, static_cast<std::uint32_t>(spec.tag));
      append_uvarint(level_.tagged, body.size());
      level_.tagged.append(body);
    }
  }

  template <class T>
  void write(const Field& spec, T& value) {
    using V = std::remove_const_t<T>;
    if constexpr (kIsOptional<V>) {
      if (value) {
        write(spec, *value);
      } else if constexpr (Text<typename V::value_type>) {
        write_null<std::int16_t>(spec);
      } else {
        write_null<std::int32_t>(spec);
      }
    } else if constexpr (Text<V>) {
      write_length<std::int16_t>(spec, plain(value).size());
      out_->append(plain(value));
    } else if constexpr (kIsVector<V>) {
      write_length<std::int32_t>(spec, value.size());
      for (auto& element : value) write(spec, element);
    } else if constexpr (std::same_as<V, Uuid>) {
      out_->append(value.view());
    } else if constexpr (std::same_as<V, bool>) {
      out_->push_back(value ? 1 : 0);
    } else if constexpr (Number<V>) {
      if constexpr (sizeof(Plain<V>) == 1) {
        out_->push_back(static_cast<char>(plain(value)));
      } else {
        append_be(*out_, plain(value));
      }
    } else {
      object(value);
    }
  }

  template <class T>
  void write_bytes(const Field& spec, const T& value) {
    if constexpr (kIsOptional<T>) {
      if (value) {
        write_bytes(spec, *value);
      } else {
        write_null<std::int32_t>(spec);
      }
    } else {
      write_length<std::int32_t>(spec, value.size());
      out_->append(value);
    }
  }

  bool write_piece(std::optional<Bytes>& records) {
    if (!pieces_ || !records || records->size() < kPieceBytesMin) return false;
    if (flexible_) {
      append_uvarint(*out_, records->size() + 1);
    } else {
      append_be(*out_, static_cast<std::int32_t>(records->size()));
    }
    pieces_->push_back(std::move(*out_));
    pieces_->push_back(*std::move(records));
    out_->clear();
    return true;
  }
  bool write_piece(const auto&) { return false; }

  template <class Length>
  void write_length(const Field& spec, std::size_t size) {
    if (flexible_ ? size >= INT32_MAX
                  : size > static_cast<std::size_t>(std::numeric_limits<Length>::max())) {
      refuse(spec, fmt::format("is too long: {}", size));
    } else if (flexible_) {
      append_uvarint(*out_, size + 1);
    } else {
      append_be(*out_, static_cast<Length>(size));
    }
  }

  // Null where the version has none: an error in a request, empty in a response (older clients got
  // empty there).
  template <class Length>
  void write_null(const Field& spec) {
    if (!spec.nullable.contains(version_)) {
      if (unsaid_ == Unsaid::Refuse)
        refuse(spec, fmt::format("must not be null in version {}", version_));
      return write_length<Length>(spec, 0);
    }
    if (flexible_) {
      out_->push_back(0);
    } else {
      append_be(*out_, static_cast<Length>(-1));
    }
  }

  Bytes* out_;
  std::int16_t version_;
  bool flexible_;
  Unsaid unsaid_;
  std::vector<Bytes>* pieces_;
  Level level_{};
  std::string fault_;
};

// Appends a message without header.
template <class Message>
Result<void> encode_message(Bytes& out, std::int16_t version, bool flexible, const Message& message,
                            Unsaid unsaid = Unsaid::Refuse) {
  Encoder encoder(out, version, flexible, unsaid);
  encoder.object(message);
  if (encoder.failed()) return fail(encoder.error());
  return {};
}

}  // namespace penstock::kafka
