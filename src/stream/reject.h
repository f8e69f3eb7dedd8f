// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::stream {

// Why a record cannot become a row. The names are those of the metric label, of the progress and of
// the DLQ header.
enum class Reason : std::uint8_t {
  Decode,           // not JSON, not UTF-8, not an object, something after it
  MissingRequired,  // a NOT NULL field or a key column is absent or null
  Type,             // a JSON value that the column's type cannot hold
  Convert,   // a text that does not parse as its type, or an expression that fails (cast, overflow,
             // division by zero)
  Oversize,  // larger than max_record_bytes, or a key beyond what the store takes
  SinkPermanent,  // the store refuses this row, and will refuse it again
};
inline constexpr std::array kReasons{Reason::Decode,   Reason::MissingRequired,
                                     Reason::Type,     Reason::Convert,
                                     Reason::Oversize, Reason::SinkPermanent};

constexpr std::string_view name(Reason reason) {
  constexpr std::array<std::string_view, kReasons.size()> names{
      "decode", "missing_required", "type", "convert", "oversize", "sink_permanent"};
  return names[static_cast<std::size_t>(reason)];
}

// What to do with a rejected record. Null (for Type and Convert only) keeps the row and leaves the
// field null.
enum class Action : std::uint8_t { Fail, Drop, Null, Dlq };
inline constexpr std::array kActions{Action::Fail, Action::Drop, Action::Null, Action::Dlq};

constexpr std::string_view name(Action action) {
  constexpr std::array<std::string_view, kActions.size()> names{"fail", "drop", "null", "dlq"};
  return names[static_cast<std::size_t>(action)];
}

// Why one record was rejected. `message` holds no part of the payload beyond a short, escaped
// snippet.
struct Reject {
  Reason reason = Reason::Decode;
  std::string field;  // the column at fault; may be empty
  std::string message;
};

}  // namespace penstock::stream
