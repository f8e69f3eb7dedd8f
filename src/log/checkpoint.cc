// SPDX-License-Identifier: Apache-2.0
#include "log/checkpoint.h"

#include <charconv>

namespace penstock::log {
namespace {

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  while (!line.empty()) {
    const std::size_t space = line.find(' ');
    if (space != 0) fields.push_back(line.substr(0, space));
    line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  }
  return fields;
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string TopicPartition::text() const {
  return fmt::format("{}-{}", topic, partition);
}

std::optional<TopicPartition> TopicPartition::parse(std::string_view text) {
  const std::size_t dash = text.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  const auto number = checkpoint_number(text.substr(dash + 1));
  if (!number || *number < 0 || *number > INT32_MAX) return std::nullopt;
  return TopicPartition{kafka::TopicName(text.substr(0, dash)),
                        kafka::PartitionId(static_cast<std::int32_t>(*number))};
}

Bytes encode_checkpoint(const std::vector<std::string>& lines) {
  Bytes text = fmt::format("0\n{}\n", lines.size());
  for (const std::string& line : lines) text.append(line).push_back('\n');
  return text;
}

Result<std::vector<std::vector<std::string_view>>> decode_checkpoint(std::string_view text,
                                                                     std::size_t fields) {
  if (take_line(text) != "0") return fail(Code::Corrupt, "a checkpoint begins with a line \"0\"");
  const std::int64_t count = TRY(checkpoint_number(take_line(text)));
  std::vector<std::vector<std::string_view>> lines;
  while (!text.empty()) {
    lines.push_back(split(take_line(text)));
    if (fields != 0 && lines.back().size() != fields) {
      return fail(Code::Corrupt, "line {} of the checkpoint has {} fields, not {}",
                  lines.size() + 2, lines.back().size(), fields);
    }
  }
  if (static_cast<std::int64_t>(lines.size()) != count) {
    return fail(Code::Corrupt, "the checkpoint has {} entries but says {}", lines.size(), count);
  }
  return lines;
}

Result<std::int64_t> checkpoint_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Code::Corrupt, "\"{}\" is no number", text);
  return number;
}

Bytes encode_offsets(const OffsetCheckpoint& offsets) {
  std::vector<std::string> lines;
  for (const auto& [id, offset] : offsets)
    lines.push_back(fmt::format("{} {} {}", id.topic, id.partition, offset));
  return encode_checkpoint(lines);
}

Result<OffsetCheckpoint> decode_offsets(std::string_view text) {
  OffsetCheckpoint offsets;
  for (const auto& line : TRY(decode_checkpoint(text, 3))) {
    const auto partition = static_cast<std::int32_t>(TRY(checkpoint_number(line[1])));
    offsets[{kafka::TopicName(line[0]), kafka::PartitionId(partition)}] =
        kafka::Offset(TRY(checkpoint_number(line[2])));
  }
  return offsets;
}

std::string uuid_base64(const Uuid& id) {
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::uint8_t byte : id.bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) text.push_back(kBase64[bits >> (count - 6) & 63]);
  }
  text.push_back(kBase64[bits << (6 - count) & 63]);
  return text;
}

std::optional<Uuid> uuid_from_base64(std::string_view text) {
  constexpr std::size_t kCharacters = 22;
  if (text.size() != kCharacters) return std::nullopt;
  Uuid id;
  std::uint32_t bits = 0;
  int count = 0;
  std::size_t at = 0;
  for (const char character : text) {
    const std::size_t value = kBase64.find(character);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8 && at < id.bytes.size())
      id.bytes[at++] = static_cast<std::uint8_t>(bits >> (count -= 8));
  }
  return id;
}

}  // namespace penstock::log
