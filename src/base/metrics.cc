// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace penstock {

struct Metrics::Impl {
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::Counter::add(double by) {
  static_cast<prometheus::Counter*>(counter_)->Increment(by);
}
double Metrics::Counter::value() const {
  return static_cast<prometheus::Counter*>(counter_)->Value();
}
void Metrics::Gauge::set(double value) {
  static_cast<prometheus::Gauge*>(gauge_)->Set(value);
}
void Metrics::Gauge::add(double by) {
  static_cast<prometheus::Gauge*>(gauge_)->Increment(by);
}
double Metrics::Gauge::value() const {
  return static_cast<prometheus::Gauge*>(gauge_)->Value();
}
void Metrics::Histogram::observe(double value) {
  static_cast<prometheus::Histogram*>(histogram_)->Observe(value);
}

Metrics::Counter Metrics::counter(const std::string& name, const std::string& help,
                                  const Labels& labels) {
  Counter handle;
  handle.counter_ =
      &prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry).Add(labels);
  return handle;
}

Metrics::Gauge Metrics::gauge(const std::string& name, const std::string& help,
                              const Labels& labels) {
  Gauge handle;
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
  handle.family_ = &family;
  handle.gauge_ = &family.Add(labels);
  return handle;
}

void Metrics::remove(const Gauge& gauge) {
  static_cast<prometheus::Family<prometheus::Gauge>*>(gauge.family_)
      ->Remove(static_cast<prometheus::Gauge*>(gauge.gauge_));
}

Metrics::Histogram Metrics::histogram(const std::string& name, const std::string& help,
                                      const Labels& labels, std::vector<double> bounds) {
  Histogram handle;
  handle.histogram_ = &prometheus::BuildHistogram()
                           .Name(name)
                           .Help(help)
                           .Register(impl_->registry)
                           .Add(labels, bounds);
  return handle;
}

std::vector<double> Metrics::default_seconds() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
          0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace penstock
