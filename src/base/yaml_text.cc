// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_text.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

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

// Hears only where a document begins.
struct DocumentStart final : YAML::EventHandler {
  YAML::Mark mark;

  void OnDocumentStart(const YAML::Mark& at) override { mark = at; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

}  // namespace

std::optional<YamlFault> yaml_fault(std::string_view text) {
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos)
    return YamlFault{0, 0, "the file is not UTF-8 text"};
  if (text.size() > kBytesMax) return YamlFault{0, 0, "the file is larger than 1 MiB"};
  if (nested_too_deeply(text)) return YamlFault{0, 0, "the file is nested too deeply"};
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    DocumentStart place;
    if (!parser.HandleNextDocument(place) || !parser) return std::nullopt;
    parser.HandleNextDocument(place);  // only for where it begins
    return YamlFault{place.mark.line + 1, place.mark.column + 1,
                     "here begins what does not belong to the document before; a file holds one"};
  } catch (const YAML::Exception& thrown) {
    return YamlFault{thrown.mark.line + 1, thrown.mark.column + 1,
                     "this is not YAML: " + thrown.msg};
  }
}

}  // namespace penstock
