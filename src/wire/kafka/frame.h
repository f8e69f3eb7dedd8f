// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/kafka/api.h"
#include "wire/kafka/decoder.h"
#include "wire/kafka/encoder.h"
#include "wire/kafka/ids.h"

// Frames: an int32 length, a header, a message. A "frame" here always includes its length, as net
// delivers it.
namespace penstock::kafka {

// Kafka's own socket.request.max.bytes.
inline constexpr std::size_t kFrameBytesMax = 100 << 20;

// A net::FrameSize: the whole frame with its length, 0 while that cannot be seen. Refuses negative
// and oversize lengths, and says so when a client speaks TLS or HTTP to the plain port.
Result<std::size_t> frame_size(BytesView head);

// The start of a request (header v1, v2). client_id stays an int16 string in header v2 too.
struct RequestHeader {
  std::int16_t key = 0;
  std::int16_t version = 0;
  CorrelationId correlation;
  std::optional<std::string> client_id;
};

// A request whose header has been read. `body` is a view into the frame.
struct RequestFrame {
  RequestHeader header;
  const Api* api = nullptr;  // null: a key that we do not serve
  BytesView body;

  // Whether the body can be decoded. If not: ApiVersions gets a v0 answer with UNSUPPORTED_VERSION
  // (see unsupported_api_versions()), any other request gets its connection closed, as Kafka does.
  bool served() const { return api && api->versions.contains(header.version); }
};

Result<RequestFrame> open_request(BytesView frame);

// The request's message. Views in it (records) point into the frame. Requires frame.served() and
// Request's key. Bytes after the message are ignored, as Kafka ignores them.
template <class Request>
Result<Request> decode_request(const RequestFrame& frame) {
  const std::int16_t version = frame.header.version;
  auto request =
      decode_message<Request>(frame.body, version, Request::api.flexible(version), Trailing::Allow);
  if (!request) {
    return fail(
        std::move(request).error().with(fmt::format("{} request v{}", Request::api.name, version)));
  }
  return request;
}

// The header of a response is v1 (with a tagged section) from the first flexible version on, except
// for ApiVersions: its client cannot know yet what we speak (KIP-511).
constexpr bool flexible_response_header(const Api& api, std::int16_t version) {
  return api.key != 18 && api.flexible(version);
}

// Starts a frame: room for the length, then the response header.
void begin_response(Bytes& out, const Api& api, std::int16_t version, CorrelationId correlation);
// Writes the length of a frame into its start. An error when it is longer than a frame can be.
Result<void> end_frame(Bytes& first, std::size_t frame_bytes);

// A response frame, ready to send. Fields that the version does not have are left out.
template <class Response>
Result<Bytes> encode_response(CorrelationId correlation, std::int16_t version,
                              const Response& response) {
  Bytes out;
  begin_response(out, Response::api, version, correlation);
  TRY(encode_message(out, version, Response::api.flexible(version), response, Unsaid::Drop));
  TRY(end_frame(out, out.size()));
  return out;
}

// The same in pieces to be sent in order; large records are moved out of `response`, not copied.
template <class Response>
Result<std::vector<Bytes>> encode_response_pieces(CorrelationId correlation, std::int16_t version,
                                                  Response&& response) {
  static_assert(!std::is_reference_v<Response> && !std::is_const_v<Response>,
                "the response is consumed");
  std::vector<Bytes> pieces;
  Bytes out;
  begin_response(out, Response::api, version, correlation);
  Encoder encoder(out, version, Response::api.flexible(version), Unsaid::Drop, &pieces);
  encoder.object(response);
  if (encoder.failed()) return fail(encoder.error());
  encoder.finish();
  std::size_t bytes = 0;
  for (const Bytes& piece : pieces) bytes += piece.size();
  TRY(end_frame(pieces.front(), bytes));
  return pieces;
}

// The client's side: tests and our own tools.
void begin_request(Bytes& out, const Api& api, const RequestHeader& header);

template <class Request>
Result<Bytes> encode_request(CorrelationId correlation, std::int16_t version,
                             std::optional<std::string> client_id, const Request& request) {
  Bytes out;
  begin_request(out, Request::api, {Request::api.key, version, correlation, std::move(client_id)});
  TRY(encode_message(out, version, Request::api.flexible(version), request, Unsaid::Refuse));
  TRY(end_frame(out, out.size()));
  return out;
}

struct ResponseFrame {
  CorrelationId correlation;
  BytesView body;
};
Result<ResponseFrame> open_response(BytesView frame, const Api& api, std::int16_t version);

template <class Response>
Result<Response> decode_response(BytesView frame, std::int16_t version) {
  const ResponseFrame opened = TRY(open_response(frame, Response::api, version));
  return decode_message<Response>(opened.body, version, Response::api.flexible(version));
}

}  // namespace penstock::kafka
