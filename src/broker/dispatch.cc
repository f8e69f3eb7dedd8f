// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "broker/session.h"
#include "wire/kafka/served_requests.h"

namespace penstock::broker {

void dispatch(Node& node, const kafka::RequestFrame& frame, const Caller& caller,
              const std::shared_ptr<ResponseQueue>& queue, std::size_t frame_bytes) {
  const kafka::RequestHeader& header = frame.header;
  const bool known = kafka::ServedApis::with_key(header.key, [&]<class Request>() {
    const auto request = kafka::decode_request<Request>(frame);
    if (!request)
      return queue->refuse(
          fmt::format("client '{}': {}", caller.client_id, request.error().message));
    Reply<typename Request::Response> reply(queue, queue->enter(header.key, frame_bytes),
                                            header.version, header.correlation);
    handle(node, Call<Request>{*request, caller, header.version, std::move(reply)});
  });
  CHECK(known);
}

}  // namespace penstock::broker
