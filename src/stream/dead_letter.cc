// SPDX-License-Identifier: Apache-2.0
#include "stream/dead_letter.h"

namespace penstock::stream {

std::vector<std::pair<std::string, std::optional<std::string>>> dead_letter_headers(
    const DeadLetter& letter, const std::string& pipeline) {
  std::vector<std::pair<std::string, std::optional<std::string>>> out;
  for (const client::KafkaHeader& header : letter.original_headers) {
    out.emplace_back(std::string(header.name),
                     header.value ? std::optional(std::string(*header.value)) : std::nullopt);
  }
  const Reject& reject = letter.reject;
  const char* stage = reject.reason == Reason::SinkPermanent ? "TASK_PUT"
                      : reject.reason == Reason::Convert     ? "TRANSFORMATION"
                                                             : "VALUE_CONVERTER";
  out.emplace_back("__connect.errors.topic", std::string(letter.record.topic));
  out.emplace_back("__connect.errors.partition", std::to_string(letter.record.partition));
  out.emplace_back("__connect.errors.offset", std::to_string(letter.record.offset));
  out.emplace_back("__connect.errors.connector.name", pipeline);
  out.emplace_back("__connect.errors.task.id", "0");
  out.emplace_back("__connect.errors.stage", stage);
  out.emplace_back("__connect.errors.exception.class.name",
                   "penstock." + std::string(name(reject.reason)));
  out.emplace_back("__connect.errors.exception.message",
                   reject.field.empty() ? reject.message : reject.field + ": " + reject.message);
  out.emplace_back("penstock.reason", std::string(name(reject.reason)));
  if (!reject.field.empty()) out.emplace_back("penstock.field", reject.field);
  out.emplace_back("penstock.pipeline", pipeline);
  return out;
}

}  // namespace penstock::stream
