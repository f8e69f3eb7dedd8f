// SPDX-License-Identifier: Apache-2.0
#include "broker/request_metrics.h"

#include <string>

#include "wire/kafka/served_apis.h"

namespace penstock::broker {

RequestMetrics::RequestMetrics(Metrics& metrics)
    : bytes_in(
          metrics.counter("penstock_kafka_received_bytes_total", "Bytes of requests received.")),
      bytes_out(metrics.counter("penstock_kafka_sent_bytes_total", "Bytes of responses sent.")),
      refused(metrics.counter(
          "penstock_kafka_refused_requests_total",
          "Requests that cannot be understood or are not served; their connections were closed.")),
      connections(
          metrics.gauge("penstock_kafka_connections", "Open connections of Kafka clients.")) {
  for (const kafka::Api& api : kafka::served_apis()) {
    const Labels labels{{"api", std::string(api.name)}};
    apis_.emplace(
        api.key,
        ApiMetrics{
            metrics.counter("penstock_kafka_requests_total", "Requests by API.", labels),
            metrics.histogram(
                "penstock_kafka_request_seconds",
                "Time from a whole request to its answer; a Fetch may wait for records.", labels)});
  }
}

}  // namespace penstock::broker
