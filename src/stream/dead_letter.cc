// SPDX-License-Identifier: Apache-2.0
#include "stream/dead_letter.h"

namespace penstock::stream {
namespace {

// A letter of the least size has no long stories either: a store's words may quote what it refused.
constexpr std::size_t kShortMessage = 256;

}  // namespace

std::string_view left_out(LetterBody body) {
  switch (body) {
    case LetterBody::Whole:
      return "";
    case LetterBody::WithoutValue:
      return "value";
    case LetterBody::PlaceOnly:
      return "value,key,headers";
  }
  return "";
}

std::vector<std::pair<std::string, std::optional<std::string>>> dead_letter_headers(
    const DeadLetter& letter, const std::string& pipeline) {
  std::vector<std::pair<std::string, std::optional<std::string>>> out;
  const bool place_only = letter.body == LetterBody::PlaceOnly;
  for (const client::KafkaHeader& header : letter.original_headers) {
    if (place_only) break;
    out.emplace_back(std::string(header.name),
                     header.value ? std::optional(std::string(*header.value)) : std::nullopt);
  }
  const Reject& reject = letter.reject;
  const char* stage = reject.reason == Reason::SinkPermanent ? "TASK_PUT"
                      : reject.reason == Reason::Convert     ? "TRANSFORMATION"
                                                             : "VALUE_CONVERTER";
  std::string message =
      reject.field.empty() ? reject.message : reject.field + ": " + reject.message;
  if (place_only && message.size() > kShortMessage) message.resize(kShortMessage);
  out.emplace_back("__connect.errors.topic", std::string(letter.record.topic));
  out.emplace_back("__connect.errors.partition", std::to_string(letter.record.partition));
  out.emplace_back("__connect.errors.offset", std::to_string(letter.record.offset));
  out.emplace_back("__connect.errors.connector.name", pipeline);
  out.emplace_back("__connect.errors.task.id", "0");
  out.emplace_back("__connect.errors.stage", stage);
  out.emplace_back("__connect.errors.exception.class.name",
                   "penstock." + std::string(name(reject.reason)));
  out.emplace_back("__connect.errors.exception.message", std::move(message));
  out.emplace_back("penstock.reason", std::string(name(reject.reason)));
  if (!reject.field.empty()) out.emplace_back("penstock.field", reject.field);
  out.emplace_back("penstock.pipeline", pipeline);
  if (letter.body != LetterBody::Whole) {
    out.emplace_back("penstock.left_out", std::string(left_out(letter.body)));
    out.emplace_back("penstock.value.bytes", std::to_string(letter.record.value.size()));
    out.emplace_back("penstock.key.bytes", std::to_string(letter.record.key.size()));
  }
  return out;
}

}  // namespace penstock::stream
