// SPDX-License-Identifier: Apache-2.0
#include "main/text_table.h"

#include <algorithm>
#include <cstdint>

namespace penstock::main_room {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
// Unicode's East Asian Width W and F, in blocks; and what takes no room.
constexpr Range kWide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
    {0xa000, 0xa4cf}, {0xa960, 0xa97f}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
constexpr Range kNone[] = {
    {0x0300, 0x036f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

template <std::size_t n>
bool in(const Range (&ranges)[n], std::uint32_t point) {
  return std::any_of(ranges, ranges + n,
                     [&](const Range& r) { return point >= r.first && point <= r.last; });
}

// Takes one code point off `text`; a byte that begins none counts as itself.
std::uint32_t take_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t size = first < 0x80         ? 1
                           : (first >> 5) == 6  ? 2
                           : (first >> 4) == 14 ? 3
                           : (first >> 3) == 30 ? 4
                                                : 1;
  std::uint32_t point = size == 1 ? first : first & (0xffu >> (size + 1));
  if (text.size() < size) {
    text.remove_prefix(1);
    return first;
  }
  for (std::size_t i = 1; i < size; ++i)
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  text.remove_prefix(size);
  return point;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const std::uint32_t point = take_point(text);
    width += in(kWide, point) ? 2 : in(kNone, point) ? 0 : 1;
  }
  return width;
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - display_width(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string CqlTable::page(const std::vector<std::vector<std::string>>& rows) {
  std::string out;
  const bool first = widths_.empty();
  widths_.resize(heading_.size());
  for (std::size_t i = 0; i < heading_.size(); ++i) {
    if (first) widths_[i] = display_width(heading_[i]);
    for (const auto& row : rows) widths_[i] = std::max(widths_[i], display_width(row[i]));
  }
  if (first) {
    out += "\n ";
    for (std::size_t i = 0; i < heading_.size(); ++i) {
      if (i > 0) out += " | ";
      out += heading_[i];
      if (i + 1 < heading_.size()) out.append(widths_[i] - display_width(heading_[i]), ' ');
    }
    out += '\n';
    for (std::size_t i = 0; i < heading_.size(); ++i)
      out.append(i > 0 ? "+-" : "-").append(widths_[i], '-').append("-");
    out += '\n';
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += i > 0 ? " | " : " ";
      out.append(widths_[i] - display_width(row[i]), ' ').append(row[i]);
    }
    out += '\n';
  }
  return out;
}

}  // namespace penstock::main_room
