// SPDX-License-Identifier: Apache-2.0
#include "broker/offsets_records.h"

#include "wire/kafka/reader.h"

namespace penstock::broker {
namespace {

constexpr std::int16_t kOffsetKey = 1;  // 0 is the same layout
constexpr std::int16_t kGroupKey = 2;
constexpr std::int16_t kValueVersion = 3;  // of both values

// Writes the format's big-endian fields; a string that does not fit is remembered.
class Writer {
 public:
  template <class T>
  Writer& number(T value) {
    append_be(bytes_, value);
    return *this;
  }
  Writer& string(BytesView text) {
    if (text.size() > INT16_MAX) too_large_ = true;
    append_be(bytes_, static_cast<std::int16_t>(text.size()));
    bytes_.append(text);
    return *this;
  }
  template <class Text>
  Writer& nullable(const std::optional<Text>& text) {
    if (!text) return number(std::int16_t{-1});
    if constexpr (std::is_same_v<Text, std::string>)
      return string(*text);
    else
      return string(text->value());
  }
  Writer& bytes(BytesView value) {
    append_be(bytes_, static_cast<std::int32_t>(value.size()));
    bytes_.append(value);
    return *this;
  }
  Result<Bytes> finish() {
    if (too_large_)
      return fail(Code::TooLarge, "a name of the group is longer than {} bytes", INT16_MAX);
    return std::move(bytes_);
  }

 private:
  Bytes bytes_;
  bool too_large_ = false;
};

std::string read_string(kafka::Reader& reader) {
  const auto size = reader.be<std::int16_t>();
  if (size < 0) {
    reader.fail();
    return {};
  }
  return std::string(reader.bytes(static_cast<std::size_t>(size)));
}

std::optional<std::string> read_nullable(kafka::Reader& reader) {
  const auto size = reader.be<std::int16_t>();
  if (size == -1) return std::nullopt;
  if (size < 0) reader.fail();
  if (reader.failed()) return std::nullopt;
  return std::string(reader.bytes(static_cast<std::size_t>(size)));
}

Bytes read_bytes(kafka::Reader& reader) {
  const auto size = reader.be<std::int32_t>();
  if (size < 0) {
    reader.fail();
    return {};
  }
  return Bytes(reader.bytes(static_cast<std::size_t>(size)));
}

Result<Bytes> encode_value(const CommittedOffset& offset) {
  return Writer()
      .number(kValueVersion)
      .number(offset.offset.value())
      .number(offset.leader_epoch.value())
      .string(offset.metadata)
      .number(offset.commit_millis)
      .finish();
}

Result<Bytes> encode_value(const GroupSnapshot& group) {
  Writer writer;
  writer.number(kValueVersion)
      .string(group.protocol_type)
      .number(group.generation.value())
      .nullable(group.protocol)
      .nullable(group.leader)
      .number(group.state_millis)
      .number(static_cast<std::int32_t>(group.members.size()));
  for (const GroupSnapshot::Member& member : group.members)
    writer.string(member.id.value())
        .nullable(member.instance)
        .string(member.client_id)
        .string(member.client_host)
        .number(static_cast<std::int32_t>(member.rebalance_timeout.count()))
        .number(static_cast<std::int32_t>(member.session_timeout.count()))
        .bytes(member.subscription)
        .bytes(member.assignment);
  return writer.finish();
}

CommittedOffset decode_offset(kafka::Reader& reader) {
  CommittedOffset offset;
  offset.offset = Offset(reader.be<std::int64_t>());
  offset.leader_epoch = LeaderEpoch(reader.be<std::int32_t>());
  offset.metadata = read_string(reader);
  offset.commit_millis = reader.be<std::int64_t>();
  return offset;
}

GroupSnapshot decode_group(kafka::Reader& reader) {
  GroupSnapshot group;
  group.protocol_type = read_string(reader);
  group.generation = Generation(reader.be<std::int32_t>());
  group.protocol = read_nullable(reader);
  if (const auto leader = read_nullable(reader); leader) group.leader = MemberId(*leader);
  group.state_millis = reader.be<std::int64_t>();
  const auto members = reader.be<std::int32_t>();
  for (std::int32_t i = 0; i < members && !reader.failed(); ++i) {
    GroupSnapshot::Member member;
    member.id = MemberId(read_string(reader));
    if (const auto instance = read_nullable(reader); instance)
      member.instance = InstanceId(*instance);
    member.client_id = read_string(reader);
    member.client_host = read_string(reader);
    member.rebalance_timeout = Millis(reader.be<std::int32_t>());
    member.session_timeout = Millis(reader.be<std::int32_t>());
    member.subscription = read_bytes(reader);
    member.assignment = read_bytes(reader);
    group.members.push_back(std::move(member));
  }
  return group;
}

// Reads a value of the one version we write; other versions are of brokers that never wrote here.
template <class Value>
Result<std::optional<Value>> decode_value(std::optional<BytesView> bytes,
                                          Value (*decode)(kafka::Reader&)) {
  if (!bytes) return std::nullopt;
  kafka::Reader reader(*bytes);
  const auto version = reader.be<std::int16_t>();
  if (version != kValueVersion)
    return fail(Code::Unsupported, "an offsets value of version {}", version);
  Value value = decode(reader);
  if (reader.failed())
    return fail(Code::Corrupt, "an offsets value of {} bytes does not hold together",
                bytes->size());
  return value;
}

}  // namespace

Result<EncodedRecord> encode_record(const CoordinatorRecord& record) {
  EncodedRecord encoded;
  if (const auto* offset = std::get_if<OffsetRecord>(&record)) {
    encoded.key = TRY(Writer()
                          .number(kOffsetKey)
                          .string(offset->group.value())
                          .string(offset->partition.topic.value())
                          .number(offset->partition.partition.value())
                          .finish());
    if (offset->value) encoded.value = TRY(encode_value(*offset->value));
    return encoded;
  }
  const auto& group = std::get<GroupRecord>(record);
  encoded.key = TRY(Writer().number(kGroupKey).string(group.group.value()).finish());
  if (group.value) encoded.value = TRY(encode_value(*group.value));
  return encoded;
}

Result<std::optional<CoordinatorRecord>> decode_record(BytesView key,
                                                       std::optional<BytesView> value) {
  kafka::Reader reader(key);
  const auto version = reader.be<std::int16_t>();
  if (reader.failed()) return fail(Code::Corrupt, "an offsets key of {} bytes", key.size());
  if (version < 0 || version > kGroupKey) return std::nullopt;
  const GroupId group(read_string(reader));
  if (version == kGroupKey) {
    if (reader.failed()) return fail(Code::Corrupt, "an offsets key of {} bytes", key.size());
    // First, and by itself: an early return from inside the record leaks its other half.
    auto snapshot = TRY(decode_value<GroupSnapshot>(value, decode_group));
    return GroupRecord{group, std::move(snapshot)};
  }
  TopicPartition partition;
  partition.topic = TopicName(read_string(reader));
  partition.partition = PartitionId(reader.be<std::int32_t>());
  if (reader.failed()) return fail(Code::Corrupt, "an offsets key of {} bytes", key.size());
  auto offset = TRY(decode_value<CommittedOffset>(value, decode_offset));
  return OffsetRecord{group, std::move(partition), std::move(offset)};
}

}  // namespace penstock::broker
