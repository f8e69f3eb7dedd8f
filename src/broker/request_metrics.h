// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "base/metrics.h"

namespace penstock::broker {

struct ApiMetrics {
  Metrics::Counter requests;
  Metrics::Histogram seconds;
};

// What happens at the doors, by API.
class RequestMetrics {
 public:
  explicit RequestMetrics(Metrics& metrics);

  // For a served API.
  ApiMetrics& api(std::int16_t key) { return apis_.at(key); }

  Metrics::Counter bytes_in;
  Metrics::Counter bytes_out;
  Metrics::Counter refused;  // requests whose connection was closed for what they were
  Metrics::Gauge connections;

 private:
  std::map<std::int16_t, ApiMetrics> apis_;
};

}  // namespace penstock::broker
