// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_text.h"

#include <algorithm>

#include "base/utf8.h"

namespace penstock {
namespace {

constexpr std::size_t kBytesMax = 1 << 20;
constexpr int kNestingMax = 32;

bool nested_too_deeply(std::string_view text) {
  int flow = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') ++flow;
    if (c == ']' || c == '}') --flow;
    if (flow > kNestingMax) return true;
  }
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    int dashes = 0;
    for (std::size_t i = begin; i < end; ++i) {
      if (text[i] == '-' || text[i] == '?' || text[i] == ':')
        ++dashes;
      else if (text[i] != ' ')
        break;
    }
    std::size_t indent = text.substr(begin, end - begin).find_first_not_of(' ');
    if (indent == std::string_view::npos) indent = 0;
    if (dashes > kNestingMax || indent > 256) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

Result<void> check_yaml_text(std::string_view text) {
  const auto refuse = [](const char* why) -> Result<void> {
    return fail({Code::InvalidArgument, why});
  };
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos)
    return refuse("the file is not UTF-8 text");
  if (text.size() > kBytesMax) return refuse("the file is larger than 1 MiB");
  if (nested_too_deeply(text)) return refuse("the file is nested too deeply");
  return {};
}

}  // namespace penstock
