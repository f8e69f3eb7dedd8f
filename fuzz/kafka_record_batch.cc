// SPDX-License-Identifier: Apache-2.0
// Records as a producer or a file brings them: batches of magic 2 with every codec, and message
// sets of magic 0 and 1.
#include <cstdint>

#include "base/check.h"
#include "base/crc32c.h"
#include "wire/kafka/message_set.h"
#include "wire/kafka/record_batch.h"

using namespace penstock;
using namespace penstock::kafka;

namespace {

constexpr std::size_t kBytesMax = 1 << 20;

void read(const RecordBatchView& batch) {
  Bytes scratch;
  auto reader = RecordReader::open(batch, scratch, kBytesMax);
  if (!reader) return;
  RecordView record;
  std::size_t bytes = 0;
  while (reader->next(record)) {
    bytes += record.key.value_or("").size() + record.value.value_or("").size();
    for (const RecordHeader& header : record.headers)
      bytes += header.key.size() + header.value.value_or("").size();
  }
  CHECK(bytes <= kBytesMax + batch.size());
  static_cast<void>(reader->finish());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(reinterpret_cast<const char*>(data), size);
  BatchReader reader(bytes);
  for (auto batch = reader.next(); batch && *batch; batch = reader.next()) {
    static_cast<void>((*batch)->last_sequence());
    static_cast<void>((*batch)->next_offset());
    read(**batch);
  }
  if (is_message_set(bytes)) {
    if (const auto batch = batch_from_message_set(bytes, kBytesMax))
      CHECK(check_produced(*batch).batch.has_value());
  }
  // A right CRC lets the checks behind it see the bytes.
  if (size >= kBatchHeaderBytes) {
    store_be(bytes.data() + 8, static_cast<std::int32_t>(size - kBatchPrefixBytes));
    bytes[kBatchMagicAt] = kMagicV2;
    store_be(bytes.data() + 17, crc32c(BytesView(bytes).substr(21)));
    if (const auto checked = check_produced(bytes); checked.batch) {
      read(*checked.batch);
      patch_append_time(bytes.data(), bytes.size(), 1);
      CHECK(RecordBatchView::parse(bytes)->crc_matches());
    }
  }
  return 0;
}
