// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/frame.h"

#include <lz4.h>
#include <snappy.h>

#include <algorithm>

#include "base/check.h"

namespace penstock::cql {
namespace {

constexpr std::uint8_t version_of(char first) {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(first) & 0x7F);
}

}  // namespace

Result<std::size_t> envelope_size(BytesView head) {
  if (head.size() < kHeaderBytes) return 0;
  const auto body_bytes = load_be<std::uint32_t>(head.data() + 5);
  if (body_bytes > kBodyBytesMax) {
    return fail(Code::TooLarge, "a frame announces a body of {} bytes, the protocol allows {}",
                body_bytes, kBodyBytesMax);
  }
  return kHeaderBytes + body_bytes;
}

namespace {

// LZ4 cannot pack better than this, so a larger promise is a lie and not worth an allocation.
constexpr std::size_t kLz4RatioMax = 255;

Result<BytesView> unpack_lz4(BytesView packed, Bytes& scratch, std::size_t bytes_max) {
  if (packed.size() < 4) return fail(Code::Corrupt, "a compressed body lacks its length");
  const auto size = load_be<std::uint32_t>(packed.data());
  packed.remove_prefix(4);
  if (size > bytes_max)
    return fail(Code::TooLarge, "a body unpacks to {} bytes, the limit is {}", size, bytes_max);
  if (size > packed.size() * kLz4RatioMax + 64)
    return fail(Code::Corrupt, "a compressed body lies about its length");
  scratch.resize(size);
  const int unpacked = LZ4_decompress_safe(packed.data(), scratch.data(),
                                           static_cast<int>(packed.size()), static_cast<int>(size));
  if (unpacked < 0 || static_cast<std::size_t>(unpacked) != size)
    return fail(Code::Corrupt, "a body is not valid LZ4");
  return BytesView(scratch);
}

Result<BytesView> unpack_snappy(BytesView packed, Bytes& scratch, std::size_t bytes_max) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size)) {
    return fail(Code::Corrupt, "a compressed body lacks its length");
  }
  if (size > bytes_max)
    return fail(Code::TooLarge, "a body unpacks to {} bytes, the limit is {}", size, bytes_max);
  // Snappy's copies make at most 64 bytes of 2.
  if (size > packed.size() * 64 + 64)
    return fail(Code::Corrupt, "a compressed body lies about its length");
  scratch.resize(size);
  if (!snappy::RawUncompress(packed.data(), packed.size(), scratch.data())) {
    return fail(Code::Corrupt, "a body is not valid Snappy");
  }
  return BytesView(scratch);
}

Bytes pack(BytesView body, Compression compression) {
  Bytes packed;
  if (compression == Compression::Lz4) {
    append_be(packed, static_cast<std::uint32_t>(body.size()));
    packed.resize(4 + static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(body.size()))));
    const int size =
        LZ4_compress_default(body.data(), packed.data() + 4, static_cast<int>(body.size()),
                             static_cast<int>(packed.size() - 4));
    CHECK(size > 0, "LZ4 did not fit into its own bound");
    packed.resize(4 + static_cast<std::size_t>(size));
  } else {
    snappy::Compress(body.data(), body.size(), &packed);
  }
  return packed;
}

// Leaves the length in the header to the caller.
void pack_body(Bytes& frame, Compression compression) {
  const BytesView body = BytesView(frame).substr(kHeaderBytes);
  if (compression == Compression::None || body.empty()) return;
  const Bytes packed = pack(body, compression);
  if (packed.size() >= body.size()) return;
  frame[1] = static_cast<char>(frame[1] | frame_flag::kCompressed);
  frame.replace(kHeaderBytes, Bytes::npos, packed);
}

}  // namespace

std::string_view name(Opcode opcode) {
  switch (opcode) {
    case Opcode::Error:
      return "ERROR";
    case Opcode::Startup:
      return "STARTUP";
    case Opcode::Ready:
      return "READY";
    case Opcode::Authenticate:
      return "AUTHENTICATE";
    case Opcode::Options:
      return "OPTIONS";
    case Opcode::Supported:
      return "SUPPORTED";
    case Opcode::Query:
      return "QUERY";
    case Opcode::Result:
      return "RESULT";
    case Opcode::Prepare:
      return "PREPARE";
    case Opcode::Execute:
      return "EXECUTE";
    case Opcode::Register:
      return "REGISTER";
    case Opcode::Event:
      return "EVENT";
    case Opcode::Batch:
      return "BATCH";
    case Opcode::AuthChallenge:
      return "AUTH_CHALLENGE";
    case Opcode::AuthResponse:
      return "AUTH_RESPONSE";
    case Opcode::AuthSuccess:
      return "AUTH_SUCCESS";
  }
  return "unknown";
}

bool is_request(Opcode opcode) {
  switch (opcode) {
    case Opcode::Startup:
    case Opcode::Options:
    case Opcode::Query:
    case Opcode::Prepare:
    case Opcode::Execute:
    case Opcode::Register:
    case Opcode::Batch:
    case Opcode::AuthResponse:
      return true;
    default:
      return false;
  }
}

Result<std::size_t> request_frame_size(BytesView head) {
  const std::uint8_t version = version_of(head[0]);
  if ((head[0] & kResponseBit) != 0) return fail(Code::Corrupt, "a client sent a response");
  if (version < kVersionMin || version > kServedVersionMax) {
    return fail(Code::Unsupported,
                "Invalid or unsupported protocol version ({}); supported versions are (3/v3, 4/v4)",
                version);
  }
  return envelope_size(head);
}

Result<std::size_t> response_frame_size(BytesView head) {
  if ((head[0] & kResponseBit) == 0)
    return fail(Code::Corrupt, "the first byte is not a CQL response's (0x{:02x}): no CQL server",
                static_cast<std::uint8_t>(head[0]));
  if (version_of(head[0]) < kVersionMin) {
    return fail(Code::Unsupported, "the server speaks CQL protocol version {}, which is too old",
                version_of(head[0]));
  }
  return envelope_size(head);
}

Result<Frame> parse_frame(BytesView frame) {
  if (frame.size() < kHeaderBytes)
    return fail(Code::Corrupt, "a frame of {} bytes has no room for its header", frame.size());
  FrameHeader header;
  header.version = version_of(frame[0]);
  header.response = (frame[0] & kResponseBit) != 0;
  header.flags = static_cast<std::uint8_t>(frame[1]);
  header.stream = load_be<std::int16_t>(frame.data() + 2);
  header.opcode = static_cast<Opcode>(frame[4]);
  header.body_bytes = load_be<std::uint32_t>(frame.data() + 5);
  const BytesView body = frame.substr(kHeaderBytes);
  if (body.size() != header.body_bytes)
    return fail(Code::Corrupt, "a frame's body has {} bytes, its header says {}", body.size(),
                header.body_bytes);
  return Frame{header, body};
}

Bytes unsupported_version(BytesView head) {
  const std::uint8_t version = head.empty() ? 0 : version_of(head[0]);
  Bytes body;
  Writer to(body, kServedVersionMax);
  to.i32(0x000A);
  to.string(fmt::format(
      "Invalid or unsupported protocol version ({}); supported versions are (3/v3, 4/v4)",
      version));
  Bytes frame;
  const bool old_header = version == 1 || version == 2;
  frame.push_back(static_cast<char>(kResponseBit | (old_header ? version : kServedVersionMax)));
  frame.push_back('\0');
  if (old_header) {
    frame.push_back(head.size() > 2 ? head[2] : '\0');
  } else {
    frame.append(head.size() >= 4 ? head.substr(2, 2) : BytesView("\0\0", 2));
  }
  frame.push_back(static_cast<char>(Opcode::Error));
  append_be(frame, static_cast<std::uint32_t>(body.size()));
  return frame + body;
}

std::string_view name(Compression compression) {
  switch (compression) {
    case Compression::None:
      return "";
    case Compression::Lz4:
      return "lz4";
    case Compression::Snappy:
      return "snappy";
  }
  return "";
}

std::optional<Compression> compression(std::string_view name) {
  if (name == "lz4") return Compression::Lz4;
  if (name == "snappy") return Compression::Snappy;
  if (name.empty()) return Compression::None;
  return std::nullopt;
}

Result<BytesView> unpacked_body(const Frame& frame, Compression agreed, Bytes& scratch,
                                std::size_t bytes_max) {
  if ((frame.header.flags & frame_flag::kCompressed) == 0 || frame.body.empty()) return frame.body;
  switch (agreed) {
    case Compression::None:
      return fail(Code::Corrupt,
                  "a frame is compressed, but no compression was agreed upon in STARTUP");
    case Compression::Lz4:
      return unpack_lz4(frame.body, scratch, bytes_max);
    case Compression::Snappy:
      return unpack_snappy(frame.body, scratch, bytes_max);
  }
  return fail(Code::Internal, "unknown compression");
}

Bytes packed_frame(Bytes frame, Compression compression) {
  constexpr std::size_t kWorthwhile = 256;
  if (frame.size() < kHeaderBytes + kWorthwhile || (frame[1] & frame_flag::kCompressed) != 0)
    return frame;
  pack_body(frame, compression);
  store_be(frame.data() + 5, static_cast<std::uint32_t>(frame.size() - kHeaderBytes));
  return frame;
}

Result<BodyPrefix> take_prefix(const FrameHeader& header, BytesView& body) {
  constexpr std::uint8_t kPrefixFlags =
      frame_flag::kTracing | frame_flag::kWarning | frame_flag::kCustomPayload;
  BodyPrefix prefix;
  if ((header.flags & kPrefixFlags) == 0) return prefix;
  Reader from(body, header.version);
  // On a request the tracing flag asks for tracing; only a response carries an id.
  if (header.response && (header.flags & frame_flag::kTracing) != 0)
    prefix.tracing_id = from.uuid();
  if (header.response && (header.flags & frame_flag::kWarning) != 0)
    prefix.warnings = from.string_list();
  if ((header.flags & frame_flag::kCustomPayload) != 0) {
    for (std::uint16_t left = from.u16(); left > 0 && from.ok(); --left) {
      const std::string_view key = from.string();
      const CellValue value = from.bytes();
      prefix.custom_payload.emplace_back(
          key, value.is_null() ? std::nullopt : std::optional<Bytes>(value.view()));
    }
  }
  TRY(from.status("frame prefix"));
  body = from.rest();
  return prefix;
}

FrameWriter::FrameWriter(std::uint8_t version, bool response, std::int16_t stream, Opcode opcode,
                         std::size_t reserve)
    : version_(version) {
  bytes_.reserve(kHeaderBytes + reserve);
  bytes_.push_back(static_cast<char>(version | (response ? kResponseBit : 0)));
  bytes_.push_back('\0');
  append_be(bytes_, stream);
  bytes_.push_back(static_cast<char>(opcode));
  bytes_.append(4, '\0');
}

FrameWriter FrameWriter::request(std::uint8_t version, std::int16_t stream, Opcode opcode,
                                 std::size_t reserve) {
  return {version, false, stream, opcode, reserve};
}
FrameWriter FrameWriter::response(std::uint8_t version, std::int16_t stream, Opcode opcode,
                                  std::size_t reserve) {
  return {version, true, stream, opcode, reserve};
}

void FrameWriter::prefix(const BodyPrefix& prefix) {
  CHECK(body_bytes() == 0, "the prefix comes before the body");
  Writer to = body();
  if (prefix.tracing_id) {
    add_flags(frame_flag::kTracing);
    to.uuid(*prefix.tracing_id);
  }
  if (version_ < 4) return;
  if (!prefix.warnings.empty()) {
    add_flags(frame_flag::kWarning);
    to.string_list(prefix.warnings);
  }
  if (!prefix.custom_payload.empty()) {
    add_flags(frame_flag::kCustomPayload);
    to.u16(static_cast<std::uint16_t>(prefix.custom_payload.size()));
    for (const auto& [key, value] : prefix.custom_payload) {
      to.string(key);
      to.value(value ? CellValue(*value) : CellValue::null());
    }
  }
}

Bytes FrameWriter::finish(Compression compression) && {
  CHECK(body_bytes() <= kBodyBytesMax, "a frame of ours is over the protocol's limit");
  pack_body(bytes_, compression);
  store_be(bytes_.data() + 5, static_cast<std::uint32_t>(body_bytes()));
  return std::move(bytes_);
}

}  // namespace penstock::cql
