// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/frame.h"

#include "wire/kafka/served_apis.h"

namespace penstock::kafka {
namespace {

constexpr std::size_t kLengthBytes = 4;

// Skips the tagged section of a header: no tag is defined there.
void skip_tags(Reader& reader) {
  const std::uint32_t count = reader.uvarint();
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    static_cast<void>(reader.uvarint());
    static_cast<void>(reader.bytes(reader.uvarint()));
  }
}

}  // namespace

Result<std::size_t> frame_size(BytesView head) {
  if (head.size() >= 3 && head[0] == 0x16 && head[1] == 0x03) {
    return fail(
        Code::InvalidArgument,
        "the client speaks TLS to a plain Kafka listener; set security.protocol=PLAINTEXT there");
  }
  if (head.size() < kLengthBytes) return 0;
  if (head.starts_with("GET ") || head.starts_with("POST") || head.starts_with("HEAD")) {
    return fail(Code::InvalidArgument, "an HTTP request came to the Kafka listener");
  }
  const auto length = load_be<std::int32_t>(head.data());
  if (length < 0)
    return fail(Code::InvalidArgument, "a Kafka frame cannot be {} bytes long", length);
  const auto bytes = kLengthBytes + static_cast<std::size_t>(length);
  if (bytes > kFrameBytesMax) {
    return fail(Code::TooLarge, "a Kafka frame of {} bytes is over the limit of {}", bytes,
                kFrameBytesMax);
  }
  return bytes;
}

Result<RequestFrame> open_request(BytesView frame) {
  Reader reader(frame);
  static_cast<void>(reader.be<std::int32_t>());
  RequestFrame request;
  request.header.key = reader.be<std::int16_t>();
  request.header.version = reader.be<std::int16_t>();
  request.header.correlation = CorrelationId(reader.be<std::int32_t>());
  const auto client_id_size = reader.be<std::int16_t>();
  if (client_id_size < -1) reader.fail();
  if (client_id_size >= 0) {
    request.header.client_id = std::string(reader.bytes(static_cast<std::size_t>(client_id_size)));
  }
  request.api = find_api(request.header.key);
  if (request.served() && request.api->flexible(request.header.version)) skip_tags(reader);
  if (reader.failed())
    return fail(Code::Corrupt, "the request header does not fit its frame of {} bytes",
                frame.size());
  request.body = reader.rest();
  return request;
}

void begin_response(Bytes& out, const Api& api, std::int16_t version, CorrelationId correlation) {
  append_be(out, std::int32_t{0});
  append_be(out, correlation.value());
  if (flexible_response_header(api, version)) out.push_back(0);
}

Result<void> end_frame(Bytes& first, std::size_t frame_bytes) {
  if (frame_bytes - kLengthBytes > INT32_MAX)
    return fail(Code::TooLarge, "a frame of {} bytes", frame_bytes);
  store_be(first.data(), static_cast<std::int32_t>(frame_bytes - kLengthBytes));
  return {};
}

void begin_request(Bytes& out, const Api& api, const RequestHeader& header) {
  append_be(out, std::int32_t{0});
  append_be(out, header.key);
  append_be(out, header.version);
  append_be(out, header.correlation.value());
  if (header.client_id) {
    append_be(out, static_cast<std::int16_t>(header.client_id->size()));
    out.append(*header.client_id);
  } else {
    append_be(out, std::int16_t{-1});
  }
  if (api.flexible(header.version)) out.push_back(0);
}

Result<ResponseFrame> open_response(BytesView frame, const Api& api, std::int16_t version) {
  Reader reader(frame);
  const auto length = reader.be<std::int32_t>();
  ResponseFrame response;
  response.correlation = CorrelationId(reader.be<std::int32_t>());
  if (flexible_response_header(api, version)) skip_tags(reader);
  if (reader.failed() || static_cast<std::size_t>(length) + kLengthBytes != frame.size()) {
    return fail(Code::Corrupt, "a response frame of {} bytes that claims {}", frame.size(), length);
  }
  response.body = reader.rest();
  return response;
}

}  // namespace penstock::kafka
