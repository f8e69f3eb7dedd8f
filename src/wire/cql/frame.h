// SPDX-License-Identifier: Apache-2.0
// Envelopes of the native protocol, v3 to v5: nine bytes of header, then the body. v5 carries them
// in segments (segment.h).
//   0 version (top bit: response) | 1 flags | 2-3 stream, signed | 4 opcode | 5-8 body length (spec
//   section 2)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "wire/cql/wire_io.h"

namespace penstock::cql {

inline constexpr std::size_t kHeaderBytes = 9;
inline constexpr std::uint8_t kVersionMin = 3;
inline constexpr std::uint8_t kVersionMax = 5;
// The newest that a server of ours takes; a client of ours also speaks v5.
inline constexpr std::uint8_t kServedVersionMax = 4;
inline constexpr std::uint8_t kResponseBit = 0x80;
// No body of ours or of a peer is longer (the spec's own limit).
inline constexpr std::size_t kBodyBytesMax = std::size_t{256} << 20;

enum class Opcode : std::uint8_t {
  Error = 0x00,
  Startup = 0x01,
  Ready = 0x02,
  Authenticate = 0x03,
  Options = 0x05,
  Supported = 0x06,
  Query = 0x07,
  Result = 0x08,
  Prepare = 0x09,
  Execute = 0x0A,
  Register = 0x0B,
  Event = 0x0C,
  Batch = 0x0D,
  AuthChallenge = 0x0E,
  AuthResponse = 0x0F,
  AuthSuccess = 0x10,
};
std::string_view name(Opcode opcode);  // "QUERY"; "unknown" for others
bool is_request(Opcode opcode);

namespace frame_flag {
inline constexpr std::uint8_t kCompressed = 0x01;
inline constexpr std::uint8_t kTracing = 0x02;
inline constexpr std::uint8_t kCustomPayload = 0x04;  // v4
inline constexpr std::uint8_t kWarning = 0x08;        // v4, responses
inline constexpr std::uint8_t kUseBeta = 0x10;
}  // namespace frame_flag

struct FrameHeader {
  std::uint8_t version = kServedVersionMax;  // without the response bit
  bool response = false;
  std::uint8_t flags = 0;
  std::int16_t stream = 0;  // events: -1
  Opcode opcode = Opcode::Error;
  std::uint32_t body_bytes = 0;
};

// A whole frame; `body` as it came, see FrameDecoder.
struct Frame {
  FrameHeader header;
  BytesView body;
};

// net's framing functions. The server's looks at byte 0 first: a version other than 3 and 4 is an
// error before the rest of the header is there; answer it with unsupported_version(). The client's
// takes responses of any version from 3 up, whose header has the same form.
Result<std::size_t> request_frame_size(BytesView head);
Result<std::size_t> response_frame_size(BytesView head);
// The same of an envelope of any version and direction.
Result<std::size_t> envelope_size(BytesView head);

// `frame` is what the framing function has cut out.
Result<Frame> parse_frame(BytesView frame);

// The ERROR 0x000A that makes drivers step down, for a first byte that request_frame_size()
// refused. Its words are what Python, Java, C++ and Node drivers look for; stream and version are
// chosen as Cassandra does, v1 and v2 get their 8-byte header (CASSANDRA-11464).
Bytes unsupported_version(BytesView head);

enum class Compression : std::uint8_t { None, Lz4, Snappy };
std::string_view name(Compression compression);  // "lz4" as in STARTUP
std::optional<Compression> compression(std::string_view name);

// The body itself, unpacked into `scratch` if the frame is compressed. An error when it is
// compressed though none was agreed upon, when it does not unpack, or when it would unpack to more
// than `bytes_max`.
Result<BytesView> unpacked_body(const Frame& frame, Compression agreed, Bytes& scratch,
                                std::size_t bytes_max = kBodyBytesMax);

// The whole frame with its body packed, if it is not yet, is long enough to gain by it, and becomes
// shorter; else as it is.
Bytes packed_frame(Bytes frame, Compression compression);

// What may stand before a body (spec section 2.2).
struct BodyPrefix {
  std::optional<Uuid> tracing_id;                                            // responses
  std::vector<std::string> warnings;                                         // responses, v4
  std::vector<std::pair<std::string, std::optional<Bytes>>> custom_payload;  // v4
};
// Takes it off the front of `body`, which then is the message.
Result<BodyPrefix> take_prefix(const FrameHeader& header, BytesView& body);

// Writes one frame: header, then whatever body() is given, then finish() sets the length. A
// response has the top bit of version set.
class FrameWriter {
 public:
  static FrameWriter request(std::uint8_t version, std::int16_t stream, Opcode opcode,
                             std::size_t reserve = 256);
  static FrameWriter response(std::uint8_t version, std::int16_t stream, Opcode opcode,
                              std::size_t reserve = 256);

  // Before the body: what `prefix` holds and the version knows goes out, with its flags.
  void prefix(const BodyPrefix& prefix);
  void add_flags(std::uint8_t flags) { bytes_[1] = static_cast<char>(bytes_[1] | flags); }
  Writer body() { return {bytes_, version_}; }
  std::size_t body_bytes() const { return bytes_.size() - kHeaderBytes; }
  // The frame. With a compression the body goes out packed, if that makes it shorter.
  Bytes finish(Compression compression = Compression::None) &&;

 private:
  FrameWriter(std::uint8_t version, bool response, std::int16_t stream, Opcode opcode,
              std::size_t reserve);

  std::uint8_t version_;
  Bytes bytes_;
};

}  // namespace penstock::cql
