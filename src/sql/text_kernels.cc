// SPDX-License-Identifier: Apache-2.0
#include "sql/text_kernels.h"

#include <locale.h>

#include <algorithm>
#include <cwctype>

namespace penstock::sql {
namespace {

// The length of the character that begins `text`, never beyond its end.
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (length > text.size()) return 1;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 1;
  }
  return length;
}

bool ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char32_t decode(std::string_view character) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(character[i]));
  };
  switch (character.size()) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
    case 3:
      return (byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    default:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 |
             (byte(3) & 0x3f);
  }
}

std::size_t encode(char32_t c, char* to) {
  if (c < 0x80) {
    to[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    to[0] = static_cast<char>(0xc0 | c >> 6);
    to[1] = static_cast<char>(0x80 | (c & 0x3f));
    return 2;
  }
  if (c < 0x10000) {
    to[0] = static_cast<char>(0xe0 | c >> 12);
    to[1] = static_cast<char>(0x80 | (c >> 6 & 0x3f));
    to[2] = static_cast<char>(0x80 | (c & 0x3f));
    return 3;
  }
  to[0] = static_cast<char>(0xf0 | c >> 18);
  to[1] = static_cast<char>(0x80 | (c >> 12 & 0x3f));
  to[2] = static_cast<char>(0x80 | (c >> 6 & 0x3f));
  to[3] = static_cast<char>(0x80 | (c & 0x3f));
  return 4;
}

// glibc's own table of Unicode, whatever the process's locale is. Lives as long as the process.
locale_t unicode() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

template <char kFirst, char kLast, class Map>
void append_mapped(Column& to, std::string_view text, Map map) {
  char* out = to.arena().room_for(text.size());
  if (ascii(text)) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      out[i] = static_cast<char>(text[i] ^ (text[i] >= kFirst && text[i] <= kLast ? 0x20 : 0));
    }
    to.arena().advance(text.size());
    return to.end_bytes();
  }
  while (!text.empty()) {
    const std::string_view character = text.substr(0, character_length(text));
    text.remove_prefix(character.size());
    char raw[4];
    const auto lead = static_cast<unsigned char>(character[0]);
    if (character.size() == 1 && lead >= 0x80) {
      to.arena().append(character);
    } else {
      to.arena().append(
          {raw, encode(static_cast<char32_t>(map(static_cast<wint_t>(decode(character)))), raw)});
    }
  }
  to.end_bytes();
}

// Where the character number `index` begins; the end of the text when there are fewer.
std::size_t character_offset(std::string_view text, std::int64_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += character_length(text.substr(at));
  return at;
}

}  // namespace

std::int64_t character_count(std::string_view text) {
  if (ascii(text)) return static_cast<std::int64_t>(text.size());
  std::int64_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(character_length(text));
  return count;
}

std::string_view trim_left(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}
std::string_view trim_right(std::string_view text) {
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::string_view substring(std::string_view text, std::int64_t first,
                           std::optional<std::int64_t> length) {
  const std::int64_t count = character_count(text);
  const std::int64_t begin =
      first > 0    ? first - 1
      : first == 0 ? 0
                   : std::max(count, std::int64_t{0}) + std::max(first, -count - 1'000'000'000);
  if (begin >= count) return {};
  const std::int64_t wanted = length ? std::clamp<std::int64_t>(*length, 0, count + 1'000'000'000)
                                     : count - std::min<std::int64_t>(begin, 0);
  const std::int64_t end = std::min(begin + wanted, count);
  if (end <= 0) return {};
  const std::size_t from = character_offset(text, begin);
  const std::size_t to =
      from + character_offset(text.substr(from), end - std::max<std::int64_t>(begin, 0));
  return text.substr(from, to - from);
}

void append_lower(Column& to, std::string_view text) {
  append_mapped<'A', 'Z'>(to, text, [](wint_t c) { return towlower_l(c, unicode()); });
}
void append_upper(Column& to, std::string_view text) {
  append_mapped<'a', 'z'>(to, text, [](wint_t c) { return towupper_l(c, unicode()); });
}

void append_replaced(Column& to, std::string_view text, std::string_view what,
                     std::string_view with) {
  while (!what.empty()) {
    const std::size_t found = text.find(what);
    if (found == std::string_view::npos) break;
    to.arena().append(text.substr(0, found));
    to.arena().append(with);
    text.remove_prefix(found + what.size());
  }
  to.arena().append(text);
  to.end_bytes();
}

bool like(std::string_view text, std::string_view pattern) {
  // On a mismatch, go back to the last % and let it take one character more: linear memory, no
  // recursion.
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = ++p;
      star_text = t;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '_') {
      ++p;
      t += character_length(text.substr(t));
      continue;
    }
    const std::size_t escaped =
        p < pattern.size() && pattern[p] == '\\' && p + 1 < pattern.size() ? 1 : 0;
    if (p < pattern.size() && pattern[p + escaped] == text[t]) {
      p += 1 + escaped;
      ++t;
      continue;
    }
    if (star == std::string_view::npos) return false;
    star_text += character_length(text.substr(star_text));
    t = star_text;
    p = star;
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

}  // namespace penstock::sql
