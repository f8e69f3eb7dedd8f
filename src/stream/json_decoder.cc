// SPDX-License-Identifier: Apache-2.0
#include "stream/json_decoder.h"

#include <emmintrin.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <bit>
#include <charconv>
#include <unordered_map>

#include "sql/text_values.h"

namespace penstock::stream {
namespace {

namespace ondemand = simdjson::ondemand;
using simdjson::SIMDJSON_PADDING;
using sql::Type;

__m128i load16(const char* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
unsigned equal_mask(__m128i a, __m128i b) {
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)));
}

// Copies a JSON string's bytes up to its closing quote, 32 at a time; both sides have 32 bytes of
// slack. Null when a backslash comes first.
char* copy_plain(const char* from, char* to) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  while (true) {
    const __m128i low = load16(from);
    const __m128i high = load16(from + 16);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), low);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16), high);
    const unsigned quotes = equal_mask(low, quote) | equal_mask(high, quote) << 16;
    const unsigned slashes = equal_mask(low, backslash) | equal_mask(high, backslash) << 16;
    if ((quotes | slashes) != 0) {
      const int at = std::countr_zero(quotes | slashes);
      return (quotes >> at & 1) != 0 ? to + at : nullptr;
    }
    from += 32;
    to += 32;
  }
}

// A field's name and closing quote, as a record has them, for quick comparison.
class QuotedName {
 public:
  explicit QuotedName(const std::string& name) : text_(name + '"'), length_(text_.size()) {
    std::memcpy(head_, text_.data(), std::min(length_, kHeadBytes));
    head_bits_ = length_ < kHeadBytes ? (1U << length_) - 1 : 0xffff;
  }
  // Whether `raw` begins with it; kHeadBytes of raw may be read, and `left` bytes exist.
  bool begins(const char* raw, std::size_t left) const {
    if ((equal_mask(load16(raw), load16(head_)) & head_bits_) != head_bits_) return false;
    if (length_ <= kHeadBytes) [[likely]]
      return true;
    return length_ <= left && std::memcmp(raw, text_.data(), length_) == 0;
  }

 private:
  static constexpr std::size_t kHeadBytes = 16;
  char head_[kHeadBytes] = {};
  unsigned head_bits_;
  std::string text_;
  std::size_t length_;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// JSON's number grammar (RFC 8259, section 6), which On-Demand checks only for numbers that it
// converts itself.
bool valid_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  if (at < text.size() && text[at] == '0') {
    ++at;
  } else if (!digits()) {
    return false;
  }
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

// A scalar's text without the white space before the next token.
std::string_view token(ondemand::value& value) {
  std::string_view text = value.raw_json_token();
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

enum class Outcome { Done, BadJson, BadType, BadText };

}  // namespace

struct JsonDecoder::Impl {
  Impl(sql::Fields names, const DecoderOptions& settings)
      : fields(std::move(names)), options(settings) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      slots.emplace(fields[i].name, i);
      quoted.emplace_back(fields[i].name);
    }
    scratch.resize(4096);
  }

  // The field's number, or fields.size(). Records mostly come with their fields in one order, so
  // the one after the last is tried first.
  std::size_t slot_of(ondemand::field& field, std::size_t expected, bool& bad) {
    const char* raw = field.key().raw();
    const auto left = static_cast<std::size_t>(end + SIMDJSON_PADDING - raw);
    if (expected < quoted.size() && quoted[expected].begins(raw, left)) [[likely]]
      return expected;
    return look_up(field, bad);
  }

  std::size_t look_up(ondemand::field& field, bool& bad) {
    std::string_view name;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) {
      bad = true;
      return fields.size();
    }
    const auto found = slots.find(std::string(name));
    return found == slots.end() ? fields.size() : found->second;
  }

  // A value between brackets as its text. On-Demand only counts brackets, so a second parser looks
  // inside.
  bool container(ondemand::value& value, char opening, std::string_view& text) {
    bool good = false;
    if (opening == '{') {
      ondemand::object object;
      good = value.get_object().get(object) == simdjson::SUCCESS &&
             object.raw_json().get(text) == simdjson::SUCCESS;
    } else {
      ondemand::array array;
      good = value.get_array().get(array) == simdjson::SUCCESS &&
             array.raw_json().get(text) == simdjson::SUCCESS;
    }
    while (good && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
    return good && inner.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
  }

  bool valid_scalar(ondemand::value& value, std::string_view text) {
    if (text.empty()) return false;
    if (text[0] == '"') {
      std::string_view ignored;
      return value.get_string().get(ignored) == simdjson::SUCCESS;
    }
    return text == "true" || text == "false" || text == "null" || valid_number(text);
  }

  bool skip(ondemand::value& value) {
    const std::string_view text = token(value);
    if (!text.empty() && (text[0] == '{' || text[0] == '[')) {
      std::string_view ignored;
      return container(value, text[0], ignored);
    }
    return valid_scalar(value, text);
  }

  // Appends the string's content, without its quotes.
  bool append_string(const ondemand::raw_json_string& raw, sql::Column& column) {
    const auto room = static_cast<std::size_t>(end - raw.raw()) + 2 * SIMDJSON_PADDING;
    char* to = column.arena().room_for(room);
    if (const char* stop = copy_plain(raw.raw(), to)) {
      column.arena().advance(static_cast<std::size_t>(stop - to));
    } else {
      auto* cursor = reinterpret_cast<std::uint8_t*>(to);
      std::string_view text;
      if (parser.unescape(raw, cursor).get(text) != simdjson::SUCCESS) return false;
      column.arena().advance(text.size());
    }
    column.end_bytes();
    return true;
  }

  // Anything but a text for a text column.
  Outcome append(ondemand::value& value, Type type, sql::Column& column) {
    std::string_view text = token(value);
    if (text.empty()) return Outcome::BadJson;
    if (text[0] == '{' || text[0] == '[') {
      if (!container(value, text[0], text)) return Outcome::BadJson;
      if (type != Type::Text) return Outcome::BadType;
      column.append_bytes(text);
      return Outcome::Done;
    }
    if (text[0] == '"') {
      std::string_view content;
      if (value.get_string().get(content) != simdjson::SUCCESS) return Outcome::BadJson;
      if (sql::is_number(type) || type == Type::Boolean) return Outcome::BadType;
      return sql::append_parsed(column, content) ? Outcome::Done : Outcome::BadText;
    }
    if (!valid_scalar(value, text)) return Outcome::BadJson;
    if (text == "null") {
      column.append_null();
      return Outcome::Done;
    }
    return append_literal(text, type, column);
  }

  // A number, true or false, known to be well-formed.
  static Outcome append_literal(std::string_view text, Type type, sql::Column& column) {
    if (sql::is_text(type)) {
      column.append_bytes(text);
      return Outcome::Done;
    }
    const bool truth = text == "true" || text == "false";
    if (truth != (type == Type::Boolean)) return Outcome::BadType;
    if (truth) {
      column.append_int(text == "true" ? 1 : 0);
      return Outcome::Done;
    }
    if (sql::is_floating(type)) {
      double number = 0;
      if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{})
        return Outcome::BadType;
      column.append_double(type == Type::Float ? static_cast<double>(static_cast<float>(number))
                                               : number);
      return Outcome::Done;
    }
    if (!sql::is_integer(type) && type != Type::Timestamp) return Outcome::BadType;
    std::int64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || stop != text.data() + text.size() || !sql::fits(type, number))
      return Outcome::BadType;
    column.append_int(number);
    return Outcome::Done;
  }

  // One field of the record into its column. False: the record is rejected.
  bool take(ondemand::value& value, std::size_t slot, std::size_t row, sql::Column& column,
            Reject& reject) {
    if (column.size() != row) [[unlikely]]  // it came before
      column.truncate(row);
    if (fields[slot].type == Type::Text) [[likely]] {
      ondemand::raw_json_string raw;
      if (value.get_raw_json_string().get(raw) == simdjson::SUCCESS) [[likely]] {
        if (append_string(raw, column)) [[likely]]
          return true;
        return refuse(reject, Reason::Decode, slot, "the value is not valid JSON");
      }
    }
    return take_other(value, slot, row, column, reject);
  }

  bool take_other(ondemand::value& value, std::size_t slot, std::size_t row, sql::Column& column,
                  Reject& reject) {
    const Outcome outcome = append(value, fields[slot].type, column);
    if (outcome == Outcome::Done) return true;
    if (outcome == Outcome::BadJson)
      return refuse(reject, Reason::Decode, slot, "the value is not valid JSON");
    column.truncate(row);
    if (outcome == Outcome::BadType ? options.null_on_type : options.null_on_convert) {
      column.append_null();
      return true;
    }
    const std::string_view type = sql::name(fields[slot].type);
    return outcome == Outcome::BadType
               ? refuse(reject, Reason::Type, slot, fmt::format("the JSON value is not a {}", type))
               : refuse(reject, Reason::Convert, slot, fmt::format("the text is not a {}", type));
  }

  bool refuse(Reject& reject, Reason reason, std::size_t slot, std::string message) {
    reject = {reason, fields[slot].name, std::move(message)};
    return false;
  }
  static bool refuse(Reject& reject, std::string message) {
    reject = {Reason::Decode, "", std::move(message)};
    return false;
  }
  static std::string words(simdjson::error_code error) {
    switch (error) {
      case simdjson::UTF8_ERROR:
        return "the record is not valid UTF-8";
      case simdjson::EMPTY:
        return "the record is empty";
      case simdjson::INCORRECT_TYPE:
        return "the record is not a JSON object";
      case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
        return "the record does not end with its JSON object";
      default:
        return fmt::format("the record is not valid JSON: {}", simdjson::error_message(error));
    }
  }

  bool object(std::vector<sql::Column>& columns, std::size_t row, Reject& reject) {
    ondemand::document document;
    const simdjson::padded_string_view padded(
        scratch.data(), static_cast<std::size_t>(end - scratch.data()), scratch.size());
    if (const auto error = parser.iterate(padded).get(document))
      return refuse(reject, words(error));
    ondemand::object object;
    if (const auto error = document.get_object().get(object)) return refuse(reject, words(error));
    std::size_t expected = 0;
    for (auto item : object) {
      if (const auto error = item.error()) return refuse(reject, words(error));
      // Not copied: the halves that were just written would be read as wholes, and the processor
      // waits for such reads until the writes have left its store buffer.
      ondemand::field&& field = std::move(item).value_unsafe();
      bool bad_key = false;
      const std::size_t slot = slot_of(field, expected, bad_key);
      if (bad_key) return refuse(reject, "a field name is not valid JSON");
      if (slot == fields.size()) {
        if (!skip(field.value()))
          return refuse(reject, "the value of an unknown field is not valid JSON");
        continue;
      }
      if (!take(field.value(), slot, row, columns[slot], reject)) return false;
      expected = slot + 1;
    }
    const char* rest = nullptr;  // On-Demand knows no place once all tokens are used
    if (document.current_location().get(rest) == simdjson::SUCCESS) {
      return refuse(reject, "there is text after the JSON object");
    }
    return true;
  }

  bool decode(BytesView record, std::vector<sql::Column>& columns, Reject& reject) {
    const std::size_t row = columns.empty() ? 0 : columns[0].size();
    if (record.size() > options.record_bytes_max) {
      reject = {Reason::Oversize, "",
                fmt::format("the record has {} bytes; limits.record_bytes is {}", record.size(),
                            options.record_bytes_max)};
      return false;
    }
    if (scratch.size() < record.size() + SIMDJSON_PADDING)
      scratch.resize(2 * record.size() + SIMDJSON_PADDING);
    if (!record.empty()) std::memcpy(scratch.data(), record.data(), record.size());
    // What an earlier record left behind must not look like part of this one.
    std::memset(scratch.data() + record.size(), 0, SIMDJSON_PADDING);
    end = scratch.data() + record.size();
    bool good = object(columns, row, reject);
    for (std::size_t i = 0; good && i < fields.size(); ++i) {
      if (columns[i].size() == row) columns[i].append_without_value(sql::Cell::Unset);
      if (fields[i].not_null && !columns[i].has_value(row)) {
        good = refuse(reject, Reason::MissingRequired, i,
                      columns[i].state(row) == sql::Cell::Unset ? "the field is missing"
                                                                : "the field is null");
      }
    }
    if (!good) {
      for (sql::Column& column : columns) column.truncate(row);
    }
    return good;
  }

  sql::Fields fields;
  DecoderOptions options;
  std::vector<QuotedName> quoted;
  std::unordered_map<std::string, std::size_t> slots;
  std::vector<char> scratch;
  const char* end = nullptr;  // of the record in scratch
  ondemand::parser parser;
  simdjson::dom::parser inner;
};

JsonDecoder::JsonDecoder(sql::Fields fields, const DecoderOptions& options)
    : impl_(std::make_unique<Impl>(std::move(fields), options)) {}
JsonDecoder::~JsonDecoder() = default;

bool JsonDecoder::decode(BytesView record, std::vector<sql::Column>& columns, Reject& reject) {
  return impl_->decode(record, columns, reject);
}

}  // namespace penstock::stream
