// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "wire/kafka/ids.h"
#include "wire/kafka/reader.h"

namespace penstock::kafka {

struct RecordHeader {
  BytesView key;
  std::optional<BytesView> value;

  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

// The headers of one record, read on the way: nothing is allocated. They were checked when the
// record was read.
class RecordHeaders {
 public:
  class Iterator {
   public:
    Iterator(BytesView bytes, std::int32_t left) : reader_(bytes), left_(left) { advance(); }
    const RecordHeader& operator*() const { return header_; }
    const RecordHeader* operator->() const { return &header_; }
    Iterator& operator++() {
      --left_;
      advance();
      return *this;
    }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    void advance() {
      if (left_ == 0) return;
      header_.key = reader_.bytes(static_cast<std::size_t>(reader_.varint()));
      const std::int32_t size = reader_.varint();
      header_.value.reset();
      if (size >= 0) header_.value = reader_.bytes(static_cast<std::size_t>(size));
    }
    Reader reader_;
    std::int32_t left_;
    RecordHeader header_;
  };

  RecordHeaders() = default;
  RecordHeaders(BytesView bytes, std::int32_t count) : bytes_(bytes), count_(count) {}
  Iterator begin() const { return {bytes_, count_}; }
  Iterator end() const { return {{}, 0}; }
  std::int32_t size() const { return count_; }
  bool empty() const { return count_ == 0; }

 private:
  BytesView bytes_;
  std::int32_t count_ = 0;
};

// One record; its views point into the bytes that were read.
struct RecordView {
  Offset offset;
  std::int64_t timestamp = kNoTimestamp;  // milliseconds since 1970 UTC
  std::optional<BytesView> key;
  std::optional<BytesView> value;
  RecordHeaders headers;
};

}  // namespace penstock::kafka
