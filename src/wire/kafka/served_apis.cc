// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/served_apis.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "wire/kafka/served_requests.h"

namespace penstock::kafka {
namespace {

constexpr auto kApis = [] {
  std::array<Api, ServedApis::kSize> apis{};
  std::size_t next = 0;
  ServedApis::for_each([&]<class Request>() { apis[next++] = Request::api; });
  return apis;
}();

constexpr bool keys_ascend() {
  for (std::size_t i = 1; i < kApis.size(); ++i) {
    if (kApis[i - 1].key >= kApis[i].key) return false;
  }
  return true;
}
static_assert(keys_ascend());

}  // namespace

std::span<const Api> served_apis() {
  return kApis;
}

const Api* find_api(std::int16_t key) {
  for (const Api& api : kApis) {
    if (api.key == key) return &api;
  }
  return nullptr;
}

ApiVersionsResponse api_versions() {
  ApiVersionsResponse response;
  for (const Api& api : kApis) {
    response.api_keys.push_back(
        {.key = api.key, .min_version = api.versions.first, .max_version = api.versions.last});
  }
  return response;
}

ApiVersionsResponse unsupported_api_versions() {
  ApiVersionsResponse response = api_versions();
  response.error = KafkaError::UnsupportedVersion;
  return response;
}

std::string served_apis_markdown() {
  std::string text = "| key | API | versions | flexible from |\n|--:|---|---|---|\n";
  for (const Api& api : kApis) {
    const std::string flexible =
        api.flexible_since == kVersionMax ? "never" : fmt::format("{}", api.flexible_since);
    fmt::format_to(std::back_inserter(text), "| {} | {} | {}-{} | {} |\n", api.key, api.name,
                   api.versions.first, api.versions.last, flexible);
  }
  return text;
}

}  // namespace penstock::kafka
