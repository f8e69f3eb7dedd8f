// SPDX-License-Identifier: Apache-2.0
#include "main/offset_reset.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace penstock::main_room {
namespace {

// Takes digits and parts of a text from the left.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  std::optional<int> digits(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + count, value);
    if (error != std::errc() || end != rest_.data() + count || rest_[0] == '-') return std::nullopt;
    rest_.remove_prefix(count);
    return value;
  }
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // ":MM" or "MM"
  std::optional<int> after(char c, std::size_t count) {
    return take(c) ? digits(count) : std::nullopt;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// Minutes east of Greenwich: "Z", "+01:00", "-0330", or nothing.
std::optional<int> zone(Scanner& text) {
  if (text.at_end() || text.take('Z')) return 0;
  const bool east = text.take('+');
  if (!east && !text.take('-')) return std::nullopt;
  const auto hours = text.digits(2);
  text.take(':');
  const auto minutes = text.digits(2);
  if (!hours || !minutes || *minutes > 59) return std::nullopt;
  return (east ? 1 : -1) * (*hours * 60 + *minutes);
}

std::optional<std::int64_t> datetime(Scanner text) {
  using std::chrono::sys_days;
  const auto year = text.digits(4);
  const auto month = text.after('-', 2);
  const auto day = text.after('-', 2);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = sys_days(date).time_since_epoch().count();
  std::int64_t millis = days * 86'400'000;
  if (text.at_end()) return millis;
  const auto hour = text.after('T', 2);
  const auto minute = text.after(':', 2);
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  millis += (*hour * 60 + *minute) * std::int64_t{60'000};
  if (text.take(':')) {
    const auto second = text.digits(2);
    if (!second || *second > 59) return std::nullopt;
    millis += *second * 1000;
    if (text.take('.')) {
      const auto fraction = text.digits(3);
      if (!fraction) return std::nullopt;
      millis += *fraction;
    }
  }
  const auto east = zone(text);
  if (!east || !text.at_end()) return std::nullopt;
  return millis - *east * std::int64_t{60'000};
}

}  // namespace

Result<NewOffset> reset_offset(const OffsetReset& reset, const OffsetFacts& facts) {
  using Kind = OffsetReset::Kind;
  std::int64_t wanted = 0;
  switch (reset.kind) {
    case Kind::ToEarliest:
      wanted = facts.marks.low;
      break;
    case Kind::ToLatest:
      wanted = facts.marks.high;
      break;
    case Kind::ToOffset:
      wanted = reset.number;
      break;
    case Kind::ToDatetime:
      wanted = facts.at_datetime;
      break;
    case Kind::ToCurrent:
    case Kind::ShiftBy:
      if (facts.committed < 0) {
        return fail(Code::InvalidArgument,
                    "the group has no offset here; use --to-earliest, --to-latest or --to-offset");
      }
      wanted = facts.committed + (reset.kind == Kind::ShiftBy ? reset.number : 0);
      break;
  }
  const std::int64_t offset = std::clamp(wanted, facts.marks.low, facts.marks.high);
  return NewOffset{offset, offset != wanted};
}

Result<std::int64_t> parse_datetime(std::string_view text) {
  if (const auto millis = datetime(Scanner(text))) return *millis;
  return fail(Code::InvalidArgument,
              "'{}' is not a time; write 2026-01-31T12:30:00, with .123 and Z or +01:00 if wanted",
              text);
}

Result<TopicChoice> parse_topic_choice(std::string_view text) {
  TopicChoice choice;
  const std::size_t colon = text.find(':');
  choice.topic = text.substr(0, colon);
  if (choice.topic.empty()) return fail(Code::InvalidArgument, "'{}' names no topic", text);
  if (colon == std::string_view::npos) return choice;
  for (std::string_view rest = text.substr(colon + 1);;) {
    const std::size_t comma = rest.find(',');
    const std::string_view one = rest.substr(0, comma);
    std::int32_t partition = 0;
    const auto [end, error] = std::from_chars(one.data(), one.data() + one.size(), partition);
    if (error != std::errc() || end != one.data() + one.size() || partition < 0) {
      return fail(Code::InvalidArgument,
                  "'{}': '{}' is not a partition; write TOPIC or TOPIC:0,1,2", text, one);
    }
    choice.partitions.push_back(partition);
    if (comma == std::string_view::npos) return choice;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace penstock::main_room
