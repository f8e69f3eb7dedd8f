// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/message_set.h"

#include <zlib.h>

#include <optional>

#include "wire/kafka/compression.h"
#include "wire/kafka/reader.h"
#include "wire/kafka/record_batch.h"
#include "wire/kafka/record_batch_builder.h"

namespace penstock::kafka {
namespace {

// One entry of a message set: offset i64, size i32, crc i32, magic i8, attributes i8, timestamp i64
// (magic 1), key and value with int32 lengths. Offsets of a producer mean nothing.
struct Message {
  std::int8_t magic = 0;
  Codec codec = Codec::None;
  std::int64_t timestamp = kNoTimestamp;
  std::optional<BytesView> key;
  std::optional<BytesView> value;
};

std::optional<BytesView> read_nullable(Reader& reader) {
  const auto size = reader.be<std::int32_t>();
  if (size < 0) {
    if (size < -1) reader.fail();
    return std::nullopt;
  }
  return reader.bytes(static_cast<std::size_t>(size));
}

Result<Message> read_message(Reader& set) {
  static_cast<void>(set.be<std::int64_t>());
  const auto size = set.be<std::int32_t>();
  const BytesView bytes = set.bytes(size < 0 ? SIZE_MAX : static_cast<std::size_t>(size));
  Reader reader(bytes);
  const auto crc = reader.be<std::uint32_t>();
  if (set.failed() || reader.failed())
    return fail(Code::Corrupt, "a message of {} bytes is cut off", size);
  const BytesView covered = reader.rest();
  if (crc32(0, reinterpret_cast<const Bytef*>(covered.data()), static_cast<uInt>(covered.size())) !=
      crc) {
    return fail(Code::Corrupt, "a message does not match its CRC");
  }
  Message message;
  message.magic = reader.be<std::int8_t>();
  message.codec = static_cast<Codec>(reader.be<std::int8_t>() & 7);
  if (message.magic == 1) message.timestamp = reader.be<std::int64_t>();
  message.key = read_nullable(reader);
  message.value = read_nullable(reader);
  if (reader.failed() || reader.left() != 0)
    return fail(Code::Corrupt, "a message does not fit its size");
  if (message.magic != 0 && message.magic != 1)
    return fail(Code::Corrupt, "a message of magic {}", message.magic);
  return message;
}

// Adds the messages of an inner set, which may not be compressed again.
Result<void> add_inner(BytesView set, RecordBatchBuilder& batch) {
  Reader reader(set);
  while (reader.left() != 0) {
    const Message message = TRY(read_message(reader));
    if (message.codec != Codec::None)
      return fail(Code::Corrupt, "a compressed message inside a compressed message");
    batch.add(message.timestamp, message.key, message.value);
  }
  return {};
}

}  // namespace

bool is_message_set(BytesView records) {
  return records.size() > kBatchMagicAt &&
         (records[kBatchMagicAt] == 0 || records[kBatchMagicAt] == 1);
}

Result<Bytes> batch_from_message_set(BytesView set, std::size_t bytes_max) {
  Reader reader(set);
  std::optional<RecordBatchBuilder> batch;
  Bytes inner;
  while (reader.left() != 0) {
    const Message message = TRY(read_message(reader));
    if (!batch) batch.emplace(RecordBatchBuilder::Options{.codec = message.codec});
    if (message.codec == Codec::None) {
      batch->add(message.timestamp, message.key, message.value);
      continue;
    }
    if (message.magic == 0 && message.codec == Codec::Lz4) {
      return fail(
          Code::Unsupported,
          "lz4 in messages of magic 0 has a wrong checksum; use message format 0.10 or later");
    }
    if (!message.value) return fail(Code::Corrupt, "a compressed message without a value");
    inner.clear();
    TRY(decompress(message.codec, *message.value, bytes_max, inner));
    bytes_max -= inner.size();
    TRY(add_inner(inner, *batch));
  }
  if (!batch || batch->empty()) return fail(Code::Corrupt, "a message set without messages");
  return batch->build();
}

}  // namespace penstock::kafka
