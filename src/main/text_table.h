// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::main_room {

// Columns a text takes on a terminal: wide East Asian characters count two, combining ones none,
// broken UTF-8 one a byte.
std::size_t display_width(std::string_view text);

// Rows under a heading, columns left-aligned with two spaces between: what list and describe
// commands print.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> heading) : rows_{std::move(heading)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// cqlsh's layout: an empty line, heading, `----+----`, right-aligned cells. Later pages keep the
// widths of the first.
class CqlTable {
 public:
  explicit CqlTable(std::vector<std::string> heading) : heading_(std::move(heading)) {}
  std::string page(const std::vector<std::vector<std::string>>& rows);

 private:
  std::vector<std::string> heading_;
  std::vector<std::size_t> widths_;  // empty before the first page
};

}  // namespace penstock::main_room
