// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"

namespace penstock::stream {

// Finds the rows that a store refuses alone, when all it says is that it refuses the batch: halves
// what was refused and tries the halves. Ask next(), write those rows, tell accepted() or
// refused(). Costs about 2 log2(n) writes for each bad row. A value without a thread.
class Bisection {
 public:
  // [begin, end) in the order of the rows.
  using Segment = std::pair<std::size_t, std::size_t>;

  explicit Bisection(std::size_t rows) {
    if (rows > 0) open_.push_back({0, rows});
  }

  std::optional<Segment> next() const {
    if (open_.empty()) return std::nullopt;
    return open_.back();
  }
  // Cuts next() to at most so many rows; the others come after it.
  void shorten(std::size_t rows) {
    if (open_.empty()) return;
    const auto [begin, end] = open_.back();
    if (end - begin <= rows) return;
    open_.back() = {begin + rows, end};
    open_.push_back({begin, begin + rows});
  }
  void accepted() {
    CHECK(!open_.empty(), "a segment is open");
    accepted_ += open_.back().second - open_.back().first;
    open_.pop_back();
  }
  // True when it was one row alone, which is the culprit.
  bool refused() {
    CHECK(!open_.empty(), "a segment is open");
    const auto [begin, end] = open_.back();
    open_.pop_back();
    if (end - begin == 1) {
      ++culprits_;
      return true;
    }
    const std::size_t middle = begin + (end - begin) / 2;
    open_.push_back({middle, end});
    open_.push_back({begin, middle});
    return false;
  }
  std::size_t accepted_rows() const { return accepted_; }
  std::size_t culprits() const { return culprits_; }

 private:
  std::vector<Segment> open_;  // the last one is next
  std::size_t accepted_ = 0;
  std::size_t culprits_ = 0;
};

}  // namespace penstock::stream
