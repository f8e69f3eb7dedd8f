// SPDX-License-Identifier: Apache-2.0
// Prints the shape of every served message as JSON, for tests/compat/kafka_shapes_test.py.
#include <cstdio>
#include <string>

#include "wire/kafka/served_requests.h"
#include "wire/kafka/shape.h"

int main() {
  using namespace penstock::kafka;
  std::string json;
  ServedApis::for_each([&json]<class Request>() {
    const Api& api = Request::api;
    if (!json.empty()) json += ",\n";
    json += fmt::format(
        R"({{"key": {}, "name": "{}", "versions": [{}, {}], "flexible_since": {}, "request": {}, "response": {}}})",
        api.key, api.name, api.versions.first, api.versions.last, api.flexible_since,
        Shape::fields<Request>(), Shape::fields<typename Request::Response>());
  });
  std::puts(("[" + json + "]").c_str());
}
