// SPDX-License-Identifier: Apache-2.0
#include "broker/session.h"

#include "base/logging.h"
#include "wire/kafka/served_apis.h"

namespace penstock::broker {

KafkaSession::KafkaSession(Node& node, Sessions& sessions, std::string listener,
                           net::Address advertised)
    : node_(node), sessions_(sessions), listener_(std::move(listener)) {
  caller_.advertised = std::move(advertised);
}

KafkaSession::~KafkaSession() {
  sessions_.open.erase(this);
  const auto when_empty = sessions_.when_empty;  // it may clear the original
  if (sessions_.open.empty() && when_empty) when_empty();
}

void KafkaSession::on_open(net::Connection& connection) {
  sessions_.open.insert(this);
  node_.requests().connections.add(1);
  caller_.client_host = "/" + connection.peer().host;
  if (caller_.advertised.host.empty()) caller_.advertised.host = connection.local().host;
  queue_ = std::make_shared<ResponseQueue>(connection, node_.requests(), node_.memory(),
                                           node_.config().max_requests_in_flight);
  if (node_.stopping()) connection.close();
}

void KafkaSession::on_frame(net::Connection&, BytesView bytes) {
  node_.requests().bytes_in.add(static_cast<double>(bytes.size()));
  auto frame = kafka::open_request(bytes);
  if (!frame)
    return queue_->refuse(fmt::format("listener {}: {}", listener_, frame.error().message));
  if (frame->served()) {
    caller_.client_id = frame->header.client_id.value_or("");
    return dispatch(node_, *frame, caller_, queue_, bytes.size());
  }
  refuse(*frame);
}

void KafkaSession::refuse(const kafka::RequestFrame& frame) {
  if (frame.header.key == kafka::ApiVersionsRequest::api.key) {
    Reply<kafka::ApiVersionsResponse> reply(queue_, queue_->enter(frame.header.key, 0), 0,
                                            frame.header.correlation);
    return reply(kafka::unsupported_api_versions());
  }
  const std::string client = frame.header.client_id.value_or("without a name");
  if (frame.api == nullptr)
    return queue_->refuse(
        fmt::format("listener {}: client '{}' asks for API key {}, which is not served", listener_,
                    client, frame.header.key));
  queue_->refuse(fmt::format("listener {}: client '{}' asks for {} v{}; served are v{} to v{}",
                             listener_, client, frame.api->name, frame.header.version,
                             frame.api->versions.first, frame.api->versions.last));
}

void KafkaSession::on_bad_frame(net::Connection&, BytesView, const Error& error) {
  queue_->refuse(fmt::format("listener {}: {}", listener_, error.message));
}

void KafkaSession::on_sent(net::Connection&, std::size_t bytes) {
  queue_->sent(bytes);
}

void KafkaSession::on_close(net::Connection&) {
  node_.requests().connections.add(-1);
  queue_->connection_closed();
}

void KafkaSession::drain() {
  queue_->drain();
}

}  // namespace penstock::broker
