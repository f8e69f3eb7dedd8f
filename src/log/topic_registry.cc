// SPDX-License-Identifier: Apache-2.0
#include "log/topic_registry.h"

#include <cctype>
#include <charconv>
#include <optional>

#include "log/checkpoint.h"

namespace penstock::log {
namespace {

// Values stand between spaces on a line: everything else is percent-encoded, and nothing is "%".
std::string encode_value(std::string_view value) {
  if (value.empty()) return "%";
  std::string text;
  for (const char c : value) {
    if (c > ' ' && c < 0x7f && c != '%') {
      text.push_back(c);
    } else {
      text += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

Result<std::string> decode_value(std::string_view text) {
  std::string value;
  if (text == "%") return value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      value.push_back(text[i]);
      continue;
    }
    unsigned code = 0;
    if (i + 2 >= text.size() ||
        std::from_chars(&text[i + 1], &text[i] + 3, code, 16).ptr != &text[i] + 3) {
      return fail(Code::Corrupt, "\"{}\" ends within a percent code", text);
    }
    value.push_back(static_cast<char>(code));
    i += 2;
  }
  return value;
}

void add_lines(std::vector<std::string>& lines, const Topic& topic, std::string_view state) {
  lines.push_back(
      fmt::format("topic {} {} {} {}", topic.name, uuid_base64(topic.id), topic.partitions, state));
  for (const auto& [key, value] : topic.configs) {
    lines.push_back(fmt::format("config {} {}", encode_value(key), encode_value(value)));
  }
}

}  // namespace

Bytes TopicRegistry::encode() const {
  std::vector<std::string> lines;
  for (const auto& [name, topic] : topics) add_lines(lines, topic, "live");
  for (const auto& [name, topic] : deleting) add_lines(lines, topic, "deleting");
  return encode_checkpoint(lines);
}

Result<TopicRegistry> TopicRegistry::decode(BytesView text) {
  TopicRegistry registry;
  Topic* topic = nullptr;  // whose settings follow
  for (const auto& line : TRY(decode_checkpoint(text, 0))) {
    if (line.size() == 5 && line[0] == "topic" && (line[4] == "live" || line[4] == "deleting")) {
      const auto id = uuid_from_base64(line[2]);
      const std::int64_t partitions = TRY(checkpoint_number(line[3]));
      if (!id || partitions < 1 || partitions > INT32_MAX)
        return fail(Code::Corrupt, "topic {} cannot be read", line[1]);
      topic = &(line[4] == "live" ? registry.topics : registry.deleting)[kafka::TopicName(line[1])];
      *topic = {kafka::TopicName(line[1]), *id, static_cast<std::int32_t>(partitions), {}};
    } else if (line.size() == 3 && line[0] == "config" && topic != nullptr) {
      topic->configs[TRY(decode_value(line[1]))] = TRY(decode_value(line[2]));
    } else {
      return fail(Code::Corrupt, "a line is neither a topic nor a setting of one");
    }
  }
  return registry;
}

}  // namespace penstock::log
