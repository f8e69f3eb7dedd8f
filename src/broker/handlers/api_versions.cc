// SPDX-License-Identifier: Apache-2.0
// ApiVersions v0-v3: what we speak. Asked first on every connection, so it must not wait for
// anything.
#include "wire/kafka/messages/api_versions.h"

#include <algorithm>

#include "broker/handlers/handlers.h"
#include "wire/kafka/served_apis.h"

namespace penstock::broker {
namespace {

bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// KIP-511: [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
bool valid_software_text(const std::string& text) {
  return !text.empty() && alphanumeric(text.front()) && alphanumeric(text.back()) &&
         std::ranges::all_of(text, [](char c) { return alphanumeric(c) || c == '-' || c == '.'; });
}

}  // namespace

void handle(Node&, Call<kafka::ApiVersionsRequest> call) {
  if (call.version >= 3 && (!valid_software_text(call.request.client_software_name) ||
                            !valid_software_text(call.request.client_software_version))) {
    kafka::ApiVersionsResponse refused;
    refused.error = KafkaError::InvalidRequest;
    return call.reply(std::move(refused));
  }
  call.reply(kafka::api_versions());
}

}  // namespace penstock::broker
