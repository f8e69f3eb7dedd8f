// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/record_batch.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "base/crc32c.h"
#include "wire/kafka/record_batch_builder.h"

namespace penstock::kafka {
namespace {

Bytes unhex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size();) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    bytes.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
    i += 2;
  }
  return bytes;
}

struct Owned {
  Offset offset;
  std::int64_t timestamp;
  std::optional<Bytes> key, value;
  std::vector<std::pair<Bytes, std::optional<Bytes>>> headers;
  friend bool operator==(const Owned&, const Owned&) = default;
};

Owned owned(const RecordView& record) {
  Owned copy{record.offset, record.timestamp, {}, {}, {}};
  if (record.key) copy.key = Bytes(*record.key);
  if (record.value) copy.value = Bytes(*record.value);
  for (const RecordHeader& header : record.headers) {
    copy.headers.emplace_back(Bytes(header.key),
                              header.value ? std::optional<Bytes>(*header.value) : std::nullopt);
  }
  return copy;
}

Result<std::vector<Owned>> read_all(const RecordBatchView& batch) {
  std::vector<Owned> records;
  Bytes scratch;
  TRY(for_each_record(batch, scratch,
                      [&](const RecordView& record) { records.push_back(owned(record)); }));
  return records;
}

// Damages a batch and makes its CRC right again.
Bytes with(Bytes batch, std::size_t at, std::initializer_list<int> bytes) {
  for (const int byte : bytes) batch[at++] = static_cast<char>(byte);
  store_be(batch.data() + 17, crc32c(BytesView(batch).substr(21)));
  return batch;
}

Bytes two_records(Codec codec = Codec::None) {
  RecordBatchBuilder builder({.codec = codec});
  builder.add(1000, "k", "v");
  builder.add(1005, std::nullopt, "w");
  return builder.build().value();
}

// Two records as Debian's python3-kafka 2.0.2 writes them.
constexpr std::string_view kFromKafkaPython =
    "00000000000000000000005e000000000206153e320000000000010000018bcfe568000000018bcfe5687bff"
    "ffffffffffffffffffffffffff00000002480000000c757365725f311e7b226964223a22757365725f31227d"
    "020a74726163650401020e00f60102010100";

TEST(RecordBatch, BytesOfKafkaPythonAreRead) {
  const Bytes bytes = unhex(kFromKafkaPython);
  const auto checked = check_produced(bytes);
  ASSERT_TRUE(checked.batch) << checked.refusal.message;
  const std::vector<Owned> expected{
      {Offset(0), 1'700'000'000'000, "user_1", R"({"id":"user_1"})", {{"trace", "\x01\x02"}}},
      {Offset(1), 1'700'000'000'123, std::nullopt, std::nullopt, {}}};
  EXPECT_TRUE(read_all(*checked.batch).value() == expected);
}

TEST(RecordBatch, BuilderWritesTheBytesOfKafkaPython) {
  const RecordHeader trace{"trace", "\x01\x02"};
  RecordBatchBuilder builder;
  builder.add(1'700'000'000'000, "user_1", R"({"id":"user_1"})", {&trace, 1});
  builder.add(1'700'000'000'123, std::nullopt, std::nullopt);
  const Bytes expected = unhex(kFromKafkaPython);
  EXPECT_EQ(hex(builder.build().value(), 500), hex(expected, 500));
}
class RecordBatchOfEachCodec : public testing::TestWithParam<Codec> {};
INSTANTIATE_TEST_SUITE_P(Codecs, RecordBatchOfEachCodec,
                         testing::Values(Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4,
                                         Codec::Zstd),
                         [](const auto& codec) { return std::string(name(codec.param)); });

TEST_P(RecordBatchOfEachCodec, RecordsComeBackAsTheyWereAdded) {
  std::mt19937_64 random(5);
  const RecordHeader headers[] = {{"a", "1"}, {"", std::nullopt}, {"a", ""}};
  std::vector<Owned> sent;
  RecordBatchBuilder builder({.base_offset = Offset(1'000'000'000'000),
                              .leader_epoch = LeaderEpoch(3),
                              .codec = GetParam(),
                              .producer_id = ProducerId(42),
                              .producer_epoch = ProducerEpoch(1),
                              .base_sequence = Sequence(INT32_MAX)});
  std::deque<Bytes> kept;
  for (int i = 0; i < 300; ++i) {
    std::optional<BytesView> key, value;
    if (random() % 3) key = kept.emplace_back(random() % 50, 'k');
    if (random() % 5) value = kept.emplace_back(random() % 3000, static_cast<char>('a' + i % 26));
    const auto count = random() % 4;
    const std::int64_t timestamp =
        1'700'000'000'000 + static_cast<std::int64_t>(random() % 1000) - 500;
    builder.add(timestamp, key, value, {headers, count});
    const RecordView record{Offset(1'000'000'000'000 + i), timestamp, key, value, {}};
    sent.push_back(owned(record));
    for (std::size_t h = 0; h < count; ++h) {
      sent.back().headers.emplace_back(
          Bytes(headers[h].key),
          headers[h].value ? std::optional<Bytes>(*headers[h].value) : std::nullopt);
    }
  }
  const std::size_t uncompressed = builder.size();
  const Bytes bytes = builder.build().value();
  EXPECT_TRUE(GetParam() != Codec::None || bytes.size() == uncompressed);
  const auto batch = RecordBatchView::parse(bytes).value();
  EXPECT_TRUE(batch.crc_matches());
  EXPECT_EQ(batch.codec(), GetParam());
  EXPECT_EQ(batch.record_count(), 300);
  EXPECT_EQ(batch.last_offset(), Offset(1'000'000'000'299));
  EXPECT_EQ(batch.leader_epoch(), LeaderEpoch(3));
  EXPECT_EQ(batch.producer_id(), ProducerId(42));
  EXPECT_EQ(batch.last_sequence(), Sequence(298));  // wrapped
  const auto back = read_all(batch);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(*back == sent);
}

TEST_P(RecordBatchOfEachCodec, DamagedPayloadsNeverHarm) {
  const Bytes batch = two_records(GetParam());
  std::mt19937_64 random(9);
  for (int i = 0; i < 2000; ++i) {
    const auto damaged =
        with(batch, 21 + random() % (batch.size() - 21), {static_cast<int>(random() & 0xff)});
    const std::unique_ptr<char[]> exact(new char[damaged.size()]);
    std::copy(damaged.begin(), damaged.end(), exact.get());
    const auto view = RecordBatchView::parse({exact.get(), damaged.size()});
    if (!view) continue;
    Bytes scratch;
    auto reader = RecordReader::open(*view, scratch, 1 << 20);
    if (!reader) continue;
    RecordView record;
    while (reader->next(record)) static_cast<void>(owned(record));
    static_cast<void>(reader->finish());
  }
}

TEST(RecordBatch, CutAnywhereSaysThatMoreBytesMayComplete) {
  const Bytes bytes = two_records();
  for (std::size_t size = 12; size < bytes.size(); ++size) {
    const auto cut = RecordBatchView::parse(BytesView(bytes).substr(0, size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, Code::OutOfRange) << size;
  }
}

TEST(RecordBatch, LegacyMagicIsUnsupportedAndOtherMagicCorrupt) {
  Bytes bytes = two_records();
  bytes[16] = 1;
  EXPECT_EQ(RecordBatchView::parse(bytes).error().code, Code::Unsupported);
  bytes[16] = 7;
  EXPECT_EQ(RecordBatchView::parse(bytes).error().code, Code::Corrupt);
}

TEST(RecordBatch, ImpossibleLengthsAreCorrupt) {
  Bytes bytes = two_records();
  store_be(bytes.data() + 8, std::int32_t{-5});
  EXPECT_EQ(RecordBatchView::parse(bytes).error().code, Code::Corrupt);
  store_be(bytes.data() + 8, std::int32_t{48});  // one less than the header has
  EXPECT_EQ(RecordBatchView::parse(bytes).error().code, Code::Corrupt);
}

TEST(RecordBatch, AnyFlippedBitOfTheCoveredPartFailsTheCrc) {
  const Bytes bytes = two_records();
  for (std::size_t at = 17; at < bytes.size(); ++at) {
    Bytes flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    const auto batch = RecordBatchView::parse(flipped);
    ASSERT_TRUE(batch);
    EXPECT_FALSE(batch->crc_matches()) << at;
  }
}

TEST(RecordBatch, PatchingOffsetAndEpochLeavesTheCrcRight) {
  Bytes bytes = two_records();
  patch_base_offset(bytes.data(), Offset(77), LeaderEpoch(5));
  const auto batch = RecordBatchView::parse(bytes).value();
  EXPECT_TRUE(batch.crc_matches());
  EXPECT_EQ(batch.base_offset(), Offset(77));
  EXPECT_EQ(batch.next_offset(), Offset(79));
  EXPECT_EQ(batch.leader_epoch(), LeaderEpoch(5));
}

TEST(RecordBatch, AppendTimeCountsForAllRecords) {
  Bytes bytes = two_records();
  patch_append_time(bytes.data(), bytes.size(), 5000);
  const auto batch = RecordBatchView::parse(bytes).value();
  EXPECT_TRUE(batch.crc_matches());
  EXPECT_EQ(batch.timestamp_type(), TimestampType::LogAppendTime);
  const auto records = read_all(batch).value();
  EXPECT_EQ(records.at(0).timestamp, 5000);
  EXPECT_EQ(records.at(1).timestamp, 5000);
}

TEST(RecordBatch, CompactionMayLeaveGaps) {
  RecordBatchBuilder builder({.base_offset = Offset(10)});
  builder.add_at(Offset(12), 1, "a", "1");
  builder.add_at(Offset(19), 1, "b", "2");
  const Bytes bytes = builder.build().value();
  const auto batch = RecordBatchView::parse(bytes).value();
  EXPECT_EQ(batch.last_offset(), Offset(19));
  EXPECT_EQ(read_all(batch)->at(0).offset, Offset(12));
}

TEST(RecordBatch, ReaderStopsBeforeATornTail) {
  const Bytes one = two_records();
  Bytes bytes = one + one;
  bytes += one.substr(0, 30);
  BatchReader reader(bytes);
  EXPECT_TRUE(reader.next().value());
  EXPECT_TRUE(reader.next().value());
  EXPECT_FALSE(reader.next().value());
  EXPECT_EQ(reader.rest().size(), 30u);
}

TEST(RecordBatch, WrongRecordsAreNamed) {
  const auto why = [](const Bytes& bytes) {
    return read_all(RecordBatchView::parse(bytes).value()).error().message;
  };
  const Bytes good = two_records();
  EXPECT_EQ(why(with(good, 57, {0, 0, 0, 3})),
            "record batch at offset 0: a record is longer than its batch");
  EXPECT_EQ(why(with(good, 57, {0, 0, 0, 1})),
            "record batch at offset 0: bytes after the last record");
  EXPECT_EQ(why(with(good, 61, {126})),
            "record batch at offset 0: a record is longer than its batch");
  EXPECT_EQ(why(with(good, 65, {40})),
            "record batch at offset 0: a field is longer than its record");
  EXPECT_EQ(why(with(good, 64, {8})),
            "record batch at offset 0: offsets do not ascend in the batch");
}

TEST(CheckProduced, TakesAGoodBatch) {
  const Bytes bytes = two_records();
  const auto checked = check_produced(bytes);
  ASSERT_TRUE(checked.batch) << checked.refusal.message;
  EXPECT_EQ(checked.batch->record_count(), 2);
}

TEST(CheckProduced, RefusesWhatKafkaRefuses) {
  const Bytes good = two_records();
  const auto error = [](const Bytes& bytes) { return check_produced(bytes).refusal.error; };
  EXPECT_EQ(error(""), KafkaError::CorruptMessage);
  EXPECT_EQ(error(good.substr(0, 60)), KafkaError::CorruptMessage);
  Bytes flipped = good;
  flipped.back() = 'x';
  EXPECT_EQ(error(flipped), KafkaError::CorruptMessage);
  EXPECT_EQ(error(good + good), KafkaError::InvalidRecord);
  EXPECT_EQ(error(with(good, 22, {6})), KafkaError::UnsupportedCompressionType);
  EXPECT_EQ(error(with(good, 22, {0x20})), KafkaError::InvalidRecord);        // control
  EXPECT_EQ(error(with(good, 57, {0, 0, 0, 1})), KafkaError::InvalidRecord);  // count
  EXPECT_EQ(error(with(good, 43, {0, 0, 0, 0, 0, 0, 0, 1})),
            KafkaError::InvalidRecord);  // no sequence
}

}  // namespace
}  // namespace penstock::kafka
