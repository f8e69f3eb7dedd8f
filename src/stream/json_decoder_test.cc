// SPDX-License-Identifier: Apache-2.0
#include "stream/json_decoder.h"

#include <gtest/gtest.h>

#include "sql/text_values.h"

namespace penstock::stream {
namespace {

const sql::Fields kFields{{"id", sql::Type::Text, true},     {"name", sql::Type::Text, false},
                          {"n", sql::Type::Int, false},      {"x", sql::Type::Double, false},
                          {"ok", sql::Type::Boolean, false}, {"at", sql::Type::Timestamp, false},
                          {"key", sql::Type::Uuid, false}};

struct Decoding {
  explicit Decoding(const DecoderOptions& options = {}) : decoder(kFields, options) {
    for (const sql::Field& field : kFields) columns.emplace_back(field.type);
  }
  // "id|name|n|x|ok|at|key" of the row, "~" for null and "?" for unset; or "reason(field):
  // message".
  std::string decode(std::string_view record) {
    const std::size_t before = columns[0].size();
    Reject reject;
    if (!decoder.decode(record, columns, reject)) {
      for (const sql::Column& column : columns)
        EXPECT_EQ(column.size(), before) << "a reject left a trace";
      return fmt::format("{}({}): {}", name(reject.reason), reject.field, reject.message);
    }
    std::string out;
    for (const sql::Column& column : columns) {
      EXPECT_EQ(column.size(), before + 1);
      const sql::Cell state = column.state(before);
      out +=
          (out.empty() ? "" : "|") + (state == sql::Cell::Unset  ? "?"
                                      : state == sql::Cell::Null ? "~"
                                                                 : sql::cell_text(column, before));
    }
    return out;
  }
  JsonDecoder decoder;
  std::vector<sql::Column> columns;
};

TEST(JsonDecoder, ReadsEveryTypeInAnyOrder) {
  Decoding d;
  EXPECT_EQ(
      d.decode(
          R"({"id":"a","name":"Zoé","n":-7,"x":2.5,"ok":true,"at":"2023-10-01T12:00:00Z","key":"d23f0824-128b-4f33-8c5c-7fd0a6a3a450"})"),
      "a|Zoé|-7|2.5|true|2023-10-01 12:00:00|d23f0824-128b-4f33-8c5c-7fd0a6a3a450");
  EXPECT_EQ(d.decode(R"( { "ok" : false , "n" : 1 , "id" : "b" , "at" : 1696161600123 } )"),
            "b|?|1|?|false|2023-10-01 12:00:00.123|?");
}

TEST(JsonDecoder, MissingIsUnsetAndExplicitNullIsNull) {
  Decoding d;
  EXPECT_EQ(d.decode(R"({"id":"a","name":null,"n":null})"), "a|~|~|?|?|?|?");
}

TEST(JsonDecoder, TextTakesOtherValuesAsTheirJsonText) {
  Decoding d;
  EXPECT_EQ(d.decode(R"({"id":12345,"name":true})"), "12345|true|?|?|?|?|?");
  EXPECT_EQ(d.decode(R"({"id":1.50e3 ,"name": {"a": [1, "x"]} })"),
            R"(1.50e3|{"a": [1, "x"]}|?|?|?|?|?)");
  EXPECT_EQ(d.decode(R"({"id":123456789012345678901234567890,"name":[]})"),
            "123456789012345678901234567890|[]|?|?|?|?|?");
}

TEST(JsonDecoder, EscapesAndLongTextsComeOutWhole) {
  Decoding d;
  EXPECT_EQ(d.decode(R"({"id":"a\"b\\c\u00e9\ud83d\ude00\n","n":1})"), "a\"b\\cé😀\n|?|1|?|?|?|?");
  const std::string text(5000, 'x');
  EXPECT_EQ(d.decode("{\"id\":\"" + text + "\",\"name\":\"" + text + "\\t\"}"),
            text + "|" + text + "\t|?|?|?|?|?");
  EXPECT_EQ(d.decode("{\"\\u0069d\":\"escaped key\"}"), "escaped key|?|?|?|?|?|?");
}

TEST(JsonDecoder, LastOfDuplicatesCountsAndUnknownFieldsAreIgnored) {
  Decoding d;
  EXPECT_EQ(
      d.decode(
          R"({"id":"first","dob":{"date":"1990","age":[3]},"id":"last","n":1,"zzz":null,"n":2})"),
      "last|?|2|?|?|?|?");
}

// Names are first compared 16 bytes at a time with the one that came here in the record before.
TEST(JsonDecoder, NamesOfAnyLengthAreToldApart) {
  sql::Fields fields;
  for (std::size_t length : {1, 14, 15, 16, 17, 31, 32, 80})
    fields.push_back({std::string(length, 'a'), sql::Type::Int, false});
  JsonDecoder decoder(fields, {});
  std::vector<sql::Column> columns;
  for (const sql::Field& field : fields) columns.emplace_back(field.type);
  Reject reject;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string name = fields[i].name;
    ASSERT_TRUE(decoder.decode(
        fmt::format(R"({{"{0}b":0,"b{0}":0,"{0}":{1},"{0}\u0061\u0062":0}})", name, i + 1), columns,
        reject));
    for (std::size_t c = 0; c < fields.size(); ++c) {
      EXPECT_EQ(columns[c].has_value(i), c == i) << c << " " << i;
    }
    EXPECT_EQ(columns[i].int_at(i), static_cast<std::int64_t>(i) + 1);
  }
  std::string all = "{";
  for (std::size_t i = 0; i < fields.size(); ++i)
    all += fmt::format(R"({}"{}":{})", i == 0 ? "" : ",", fields[i].name, 100 + i);
  ASSERT_TRUE(decoder.decode(all + "}", columns, reject));
  for (std::size_t c = 0; c < fields.size(); ++c)
    EXPECT_EQ(columns[c].int_at(fields.size()), 100 + static_cast<std::int64_t>(c));
}

TEST(JsonDecoder, BrokenRecordsAreOfClassDecode) {
  Decoding d;
  for (const std::string record : {"",
                                   " ",
                                   "{",
                                   "{\"id\":\"a\"",
                                   "{\"id\":\"a\",}",
                                   "{\"id\" \"a\"}",
                                   "{id:\"a\"}",
                                   "{'id':'a'}",
                                   "{\"id\":\"a\"}x",
                                   "{\"id\":\"a\"}{\"id\":\"b\"}",
                                   "{\"id\":\"a\"} []",
                                   "[1]",
                                   "\"text\"",
                                   "12",
                                   "null",
                                   "nul",
                                   "{\"id\":tru}",
                                   "{\"id\":\"a\",\"n\":1x}",
                                   "{\"id\":\"a\",\"n\":01}",
                                   "{\"id\":\"a\",\"u\":{\"b\":1]}",
                                   "{\"id\":\"a\",\"u\":tru}",
                                   "{\"id\":\"a\",\"u\":\"\\q\"}",
                                   "{\"id\":\"\\ud800\"}",
                                   "{\"id\":\"a\xff\"}",
                                   "{\"id\":\"a\nb\"}",
                                   "{\"id\":{\"a\":1]}",
                                   "{\"id\":1.}",
                                   "{\"id\":-}",
                                   "plain words"}) {
    EXPECT_EQ(d.decode(record).substr(0, 7), "decode(") << record << " gave " << d.decode(record);
  }
  EXPECT_EQ(d.decode("{\"id\":\"a\xff\"}"), "decode(): the record is not valid UTF-8");
  EXPECT_EQ(d.decode("{\"id\":\"a\"} {}"), "decode(): there is text after the JSON object");
  EXPECT_EQ(d.decode("[]"), "decode(): the record is not a JSON object");
}

TEST(JsonDecoder, MissingRequiredIsItsOwnClass) {
  Decoding d;
  EXPECT_EQ(d.decode("{}"), "missing_required(id): the field is missing");
  EXPECT_EQ(d.decode("{\"id\":null,\"n\":1}"), "missing_required(id): the field is null");
}

TEST(JsonDecoder, WrongTypesAndTextsThatDoNotParseAreToldApart) {
  Decoding d;
  EXPECT_EQ(d.decode(R"({"id":"a","n":"7"})"), "type(n): the JSON value is not a int");
  EXPECT_EQ(d.decode(R"({"id":"a","n":1.5})"), "type(n): the JSON value is not a int");
  EXPECT_EQ(d.decode(R"({"id":"a","n":2147483648})"), "type(n): the JSON value is not a int");
  EXPECT_EQ(d.decode(R"({"id":"a","x":[]})"), "type(x): the JSON value is not a double");
  EXPECT_EQ(d.decode(R"({"id":"a","ok":1})"), "type(ok): the JSON value is not a boolean");
  EXPECT_EQ(d.decode(R"({"id":"a","at":"soon"})"), "convert(at): the text is not a timestamp");
  EXPECT_EQ(d.decode(R"({"id":"a","key":"123"})"), "convert(key): the text is not a uuid");
  EXPECT_EQ(d.decode(R"({"id":"a","key":12})"), "type(key): the JSON value is not a uuid");
  Decoding lenient({1 << 20, true, true});
  EXPECT_EQ(lenient.decode(R"({"id":"a","n":"7","at":"soon"})"), "a|?|~|?|?|~|?");
}

TEST(JsonDecoder, OversizeIsRefusedBeforeItIsRead) {
  Decoding d({20, false, false});
  EXPECT_EQ(d.decode("{\"id\":\"0123456789abcdef\"}"),
            "oversize(): the record has 25 bytes; limits.record_bytes is 20");
  EXPECT_EQ(d.decode("{\"id\":\"01234567\"}"), "01234567|?|?|?|?|?|?");
}

TEST(JsonDecoder, ABadRecordDoesNotTouchItsNeighbours) {
  Decoding d;
  const std::string good = R"({"id":"a","name":"b"})";
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_EQ(d.decode(good.substr(0, cut)).substr(0, 7), "decode(") << cut;
    EXPECT_EQ(d.decode(good), "a|b|?|?|?|?|?") << cut;
  }
  EXPECT_EQ(d.columns[1].bytes_at(d.columns[1].size() - 1), "b");
}

}  // namespace
}  // namespace penstock::stream
