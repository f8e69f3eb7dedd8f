// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace penstock {

using Labels = std::map<std::string, std::string>;

// The process's metrics in Prometheus' model: names in base units, `_total` for counters. Handles
// stay valid as long as the registry; asking twice for the same name and labels gives the same
// handle. Any thread.
class Metrics {
 public:
  class Counter {
   public:
    void add(double by = 1);
    double value() const;

   private:
    friend class Metrics;
    void* counter_ = nullptr;
  };
  class Gauge {
   public:
    void set(double value);
    void add(double by);
    double value() const;

   private:
    friend class Metrics;
    void* gauge_ = nullptr;
    void* family_ = nullptr;
  };
  class Histogram {
   public:
    void observe(double value);

   private:
    friend class Metrics;
    void* histogram_ = nullptr;
  };

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // Upper bounds of the buckets, ascending; default suits seconds from 100 us to 10 s.
  Histogram histogram(const std::string& name, const std::string& help, const Labels& labels = {},
                      std::vector<double> bounds = default_seconds());
  static std::vector<double> default_seconds();

  // What it measured is gone: the line disappears, and the handle and its copies may not be used
  // any more.
  void remove(const Gauge& gauge);

  // Prometheus text exposition format 0.0.4.
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock
