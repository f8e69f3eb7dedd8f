// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "sql/type.h"

namespace penstock::sql {

// Bytes that grow at the end and are not zeroed first. Offsets into it are 32 bits, so it ends at 4
// GiB; batches are cut long before.
class ByteArena {
 public:
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  const char* data() const { return data_.get(); }
  BytesView view(std::size_t begin, std::size_t end) const {
    return {data_.get() + begin, end - begin};
  }

  void append(BytesView bytes) {
    char* to = room_for(bytes.size());
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  // At least `bytes` writable bytes at the end; they belong to the arena after advance().
  char* room_for(std::size_t bytes) {
    if (capacity_ - size_ < bytes) [[unlikely]]
      grow(bytes);
    return data_.get() + size_;
  }
  void advance(std::size_t bytes) { size_ += bytes; }
  void truncate(std::size_t size) { size_ = size; }

 private:
  void grow(std::size_t bytes) {
    const std::size_t wanted = std::max({size_ + bytes, capacity_ * 2, std::size_t{256}});
    CHECK(wanted < std::size_t{2} * std::numeric_limits<std::uint32_t>::max(), "column arena");
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = wanted;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// A cell is a value, an explicit null, or absent from the record. Expressions treat absent as null;
// a sink leaves an absent cell untouched where a null clears it.
enum class Cell : std::uint8_t { Value, Null, Unset };

// The values of one column for a batch of rows, append-only: one state byte a row, and by Storage
// either 64-bit numbers, or one byte arena with the end offset of each value (Arrow's layout,
// except that validity has three states).
class Column {
 public:
  explicit Column(Type type = Type::Null) : type_(type), storage_(storage(type)) {}

  Type type() const { return type_; }
  std::size_t size() const { return size_; }
  Cell state(std::size_t row) const { return static_cast<Cell>(states_[row]); }
  bool has_value(std::size_t row) const { return states_[row] == 0; }

  std::int64_t int_at(std::size_t row) const { return ints_[row]; }
  double double_at(std::size_t row) const { return doubles_[row]; }
  BytesView bytes_at(std::size_t row) const {
    return arena_.view(row == 0 ? 0 : ends_[row - 1], ends_[row]);
  }
  // Memory held by values; what a batch is measured by.
  std::size_t byte_size() const { return arena_.size() + 9 * size_; }
  // Memory held for values, those to come included.
  std::size_t byte_capacity() const {
    return arena_.capacity() + states_.capacity() + ints_.capacity() * sizeof(std::int64_t) +
           doubles_.capacity() * sizeof(double) + ends_.capacity() * sizeof(std::uint32_t);
  }

  void reserve(std::size_t rows) {
    if (rows <= states_.size()) return;
    states_.resize(rows);
    if (storage_ == Storage::Int64) ints_.resize(rows);
    if (storage_ == Storage::Float64) doubles_.resize(rows);
    if (storage_ == Storage::Bytes) ends_.resize(rows);
  }

  void append_int(std::int64_t value) {
    const std::size_t row = add_row(Cell::Value);
    ints_[row] = value;
  }
  void append_double(double value) {
    const std::size_t row = add_row(Cell::Value);
    doubles_[row] = value;
  }
  void append_bytes(BytesView value) {
    arena_.append(value);
    end_bytes();
  }
  // For values written in place: write into arena().room_for(n), arena().advance(n), any number of
  // times, then this.
  ByteArena& arena() { return arena_; }
  void end_bytes() {
    const std::size_t row = add_row(Cell::Value);
    ends_[row] = static_cast<std::uint32_t>(arena_.size());
  }
  void append_without_value(Cell state) {
    const std::size_t row = add_row(state);
    if (storage_ == Storage::Int64) ints_[row] = 0;
    if (storage_ == Storage::Float64) doubles_[row] = 0;
    if (storage_ == Storage::Bytes) ends_[row] = static_cast<std::uint32_t>(arena_.size());
  }
  void append_null() { append_without_value(Cell::Null); }
  // The cell `row` of another column of the same storage.
  void append_from(const Column& from, std::size_t row) {
    if (!from.has_value(row)) return append_without_value(from.state(row));
    if (storage_ == Storage::Int64) append_int(from.int_at(row));
    if (storage_ == Storage::Float64) append_double(from.double_at(row));
    if (storage_ == Storage::Bytes) append_bytes(from.bytes_at(row));
  }

  // Forgets the rows from `rows` on, and bytes begun but not ended; keeps their memory.
  void truncate(std::size_t rows) {
    size_ = rows;
    if (storage_ == Storage::Bytes) arena_.truncate(rows == 0 ? 0 : ends_[rows - 1]);
  }

 private:
  std::size_t add_row(Cell state) {
    if (size_ == states_.size()) [[unlikely]]
      reserve(std::max<std::size_t>(2 * size_, 64));
    states_[size_] = static_cast<std::uint8_t>(state);
    return size_++;
  }

  Type type_;
  Storage storage_;
  std::size_t size_ =
      0;  // rows; the vectors are as long as there is room, so one check a cell does
  std::vector<std::uint8_t> states_;
  std::vector<std::int64_t> ints_;
  std::vector<double> doubles_;
  std::vector<std::uint32_t> ends_;
  ByteArena arena_;
};

// Row numbers in ascending order: which rows of a batch take part.
using Selection = std::vector<std::uint32_t>;

}  // namespace penstock::sql
