// SPDX-License-Identifier: Apache-2.0
#include "main/line_reader.h"

#include <algorithm>

namespace penstock::main_room {
namespace {

// Takes what stands before `end` off the front of `line`, and `end` with it. Nothing when `end` is
// not there.
std::optional<std::string_view> take_until(std::string_view end, std::string_view& line) {
  const std::size_t at = line.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = line.substr(0, at);
  line.remove_prefix(at + end.size());
  return taken;
}

}  // namespace

const std::vector<std::string>& LineReader::property_names() {
  static const std::vector<std::string> names{
      "parse.key",         "key.separator",         "parse.headers", "headers.delimiter",
      "headers.separator", "headers.key.separator", "ignore.error",  "null.marker"};
  return names;
}

LineReader::LineReader(const Properties& p)
    : parse_key_(flag(p, "parse.key", false)),
      parse_headers_(flag(p, "parse.headers", false)),
      ignore_error_(flag(p, "ignore.error", false)),
      key_separator_(property(p, "key.separator", "\t")),
      headers_delimiter_(property(p, "headers.delimiter", "\t")),
      headers_separator_(property(p, "headers.separator", ",")),
      header_key_separator_(property(p, "headers.key.separator", ":")),
      null_marker_(property(p, "null.marker", "")) {}

Result<client::ProducerRecord> LineReader::read(std::string_view line) const {
  client::ProducerRecord record;
  const std::string_view whole = line;
  if (parse_headers_) {
    if (const auto headers = take_until(headers_delimiter_, line)) {
      if (or_null(*headers)) TRY(read_headers(*headers, record));
    } else if (!ignore_error_) {
      return fail(Code::InvalidArgument, "no headers delimiter in '{}'", whole);
    }
  }
  if (parse_key_) {
    if (const auto key = take_until(key_separator_, line)) {
      record.key = or_null(*key);
    } else if (!ignore_error_) {
      return fail(Code::InvalidArgument, "no key separator in '{}'", whole);
    }
  }
  record.value = or_null(line);
  return record;
}

Result<void> LineReader::read_headers(std::string_view text, client::ProducerRecord& record) const {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(headers_separator_));
    text.remove_prefix(std::min(pair.size() + headers_separator_.size(), text.size()));
    std::string_view value = pair;
    if (const auto name = take_until(header_key_separator_, value)) {
      record.headers.emplace_back(*name, or_null(value));
    } else if (ignore_error_) {
      record.headers.emplace_back(pair, std::nullopt);
    } else {
      return fail(Code::InvalidArgument, "no header key separator in '{}'", pair);
    }
  }
  return {};
}

std::optional<BytesView> LineReader::or_null(std::string_view part) const {
  if (!null_marker_.empty() && part == null_marker_) return std::nullopt;
  return part;
}

}  // namespace penstock::main_room
