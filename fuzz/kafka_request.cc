// SPDX-License-Identifier: Apache-2.0
// A request frame, as it comes from a socket: header, dispatch, body. What decodes must encode, and
// decode to the same again.
#include <cstdint>

#include "base/check.h"
#include "wire/kafka/frame.h"
#include "wire/kafka/printer.h"
#include "wire/kafka/served_requests.h"

using namespace penstock;
using namespace penstock::kafka;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input{reinterpret_cast<const char*>(data), size};
  static_cast<void>(frame_size(input.empty() ? BytesView("\0", 1) : input));
  // The length is not what is looked for here: it is made right.
  Bytes frame;
  append_be(frame, static_cast<std::int32_t>(size));
  frame.append(input);
  const auto opened = open_request(frame);
  if (!opened || !opened->served()) return 0;
  ServedApis::with_key(opened->header.key, [&]<class Request>() {
    const std::int16_t version = opened->header.version;
    const bool flexible = Request::api.flexible(version);
    if (const auto request = decode_request<Request>(*opened)) {
      static_cast<void>(print(*request));
      Bytes again;
      CHECK(encode_message(again, version, flexible, *request).has_value());
      const auto back = decode_message<Request>(again, version, flexible);
      CHECK(back && *back == *request);
    }
    // The same bytes as an answer.
    using Response = typename Request::Response;
    if (const auto response = decode_message<Response>(opened->body, version, flexible)) {
      Bytes again;
      CHECK(encode_message(again, version, flexible, *response).has_value());
      const auto back = decode_message<Response>(again, version, flexible);
      CHECK(back && *back == *response);
    }
  });
  return 0;
}
