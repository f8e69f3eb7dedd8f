// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/kafka_producer.h"
#include "main/properties.h"

namespace penstock::main_room {

// How a line of text becomes a record: kafka-console-producer's LineMessageReader, with its
// properties and their defaults.
class LineReader {
 public:
  static const std::vector<std::string>& property_names();

  explicit LineReader(const Properties& properties);

  // Views into `line`. An error says which part is missing; with ignore.error what is missing stays
  // empty and the line is taken as it is.
  Result<client::ProducerRecord> read(std::string_view line) const;

 private:
  Result<void> read_headers(std::string_view text, client::ProducerRecord& record) const;
  std::optional<BytesView> or_null(std::string_view part) const;

  bool parse_key_;
  bool parse_headers_;
  bool ignore_error_;
  std::string key_separator_;
  std::string headers_delimiter_;
  std::string headers_separator_;
  std::string header_key_separator_;
  std::string null_marker_;
};

}  // namespace penstock::main_room
