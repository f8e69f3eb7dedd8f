// SPDX-License-Identifier: Apache-2.0
#include "stream/show.h"

#include <fmt/format.h>

#include <algorithm>

#include "sql/text_values.h"

namespace penstock::stream {
namespace {

constexpr std::size_t kColumnWidthMin = 3;

struct Character {
  char32_t code;
  std::size_t bytes;
};
Character next_character(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t lead = at(0);
  if (lead >= 0xf0 && text.size() >= 4)
    return {(lead & 7) << 18 | (at(1) & 63) << 12 | (at(2) & 63) << 6 | (at(3) & 63), 4};
  if (lead >= 0xe0 && lead < 0xf0 && text.size() >= 3)
    return {(lead & 15) << 12 | (at(1) & 63) << 6 | (at(2) & 63), 3};
  if (lead >= 0xc0 && lead < 0xe0 && text.size() >= 2) return {(lead & 31) << 6 | (at(1) & 63), 2};
  return {lead, 1};
}

// The ranges whose characters Spark counts as two half widths (Utils.stringHalfWidth), which are
// those of UTF-16 units: a character beyond the first plane is a pair and so counts two as well.
bool wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
         (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
         (c >= 0xffe0 && c <= 0xffe6) || c > 0xffff;
}

std::size_t character_count(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(next_character(text).bytes);
  return count;
}

std::string_view first_characters(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count) at += next_character(text.substr(at)).bytes;
  return text.substr(0, at);
}

// Line ends and tabs would break the table.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\v':
        out += "\\v";
        break;
      case '\a':
        out += "\\a";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  return out;
}

std::string cut(std::string text, std::size_t truncate) {
  if (truncate == 0 || character_count(text) <= truncate) return text;
  if (truncate < 4) return std::string(first_characters(text, truncate));
  return std::string(first_characters(text, truncate - 3)) + "...";
}

}  // namespace

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  while (!utf8.empty()) {
    const Character character = next_character(utf8);
    width += wide(character.code) ? 2 : 1;
    utf8.remove_prefix(character.bytes);
  }
  return width;
}

std::string show_batch(std::int64_t batch, std::string_view about, const sql::Fields& fields,
                       const Rows& rows, const ConsoleSink& options) {
  const std::size_t shown = std::min(options.rows, rows.rows.size());
  std::vector<std::vector<std::string>> lines(shown + 1);
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < fields.size(); ++c) {
    std::size_t width = kColumnWidthMin;
    for (std::size_t line = 0; line <= shown; ++line) {
      std::string text;
      if (line == 0) {
        text = cut(escaped(fields[c].name), options.truncate);
      } else {
        const std::uint32_t row = rows.rows[line - 1];
        const sql::Column& column = rows.columns[c];
        text = column.has_value(row) ? cut(escaped(sql::cell_text(column, row)), options.truncate)
                                     : "NULL";
      }
      width = std::max(width, display_width(text));
      lines[line].push_back(std::move(text));
    }
    widths.push_back(width);
  }

  const std::string rule(43, '-');
  std::string separator = "+";
  for (const std::size_t width : widths) separator.append(width, '-').push_back('+');
  std::string out = about.empty() ? "" : fmt::format("{}\n", about);
  out += fmt::format("{}\nBatch: {}\n{}\n{}\n", rule, batch, rule, separator);
  for (std::size_t line = 0; line <= shown; ++line) {
    out.push_back('|');
    for (std::size_t c = 0; c < fields.size(); ++c) {
      const std::string pad(widths[c] - display_width(lines[line][c]), ' ');
      out += options.truncate > 0 ? pad + lines[line][c] : lines[line][c] + pad;
      out.push_back('|');
    }
    out.push_back('\n');
    if (line == 0) out += separator + "\n";
  }
  out += separator + "\n";
  if (rows.rows.size() > shown)
    out += fmt::format("only showing top {} {}\n", shown, shown == 1 ? "row" : "rows");
  out += "\n";
  return out;
}

}  // namespace penstock::stream
