// SPDX-License-Identifier: Apache-2.0
#include "main/pipelines.h"

#include <boost/json.hpp>
#include <cstdio>
#include <latch>
#include <mutex>

namespace penstock::main_room {
namespace {

class StandardOutput final : public stream::Console {
 public:
  void print(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

 private:
  std::mutex mutex_;
};

// An object's JSON with one more member, which is JSON already.
std::string with(std::string object, const std::string& name, const std::string& value) {
  object.resize(object.rfind('}'));
  return object + ",\"" + name + "\":" + value + "}";
}

std::string trimmed(std::string json) {
  while (!json.empty() && json.back() == '\n') json.pop_back();
  return json;
}

}  // namespace

stream::Console& standard_output() {
  static StandardOutput output;
  return output;
}

Result<void> Pipelines::start(std::vector<stream::PipelineSpec> specs,
                              const stream::ConnectionSettings& settings, net::Loop& loop,
                              Metrics& metrics) {
  for (stream::PipelineSpec& spec : specs) {
    const std::string file = spec.file;
    auto runner = stream::PipelineRunner::start(std::move(spec), settings, loop, standard_output(),
                                                metrics, system_clock());
    if (!runner) {
      runners_.clear();
      return fail(std::move(runner).error().with(file));
    }
    runners_.push_back(*std::move(runner));
  }
  return {};
}

Pipelines::~Pipelines() = default;

void Pipelines::stop(Duration budget, net::BlockingPool& pool) {
  std::latch stopped(static_cast<std::ptrdiff_t>(runners_.size()));
  for (const auto& runner : runners_) {
    pool.run([&runner, &stopped, budget] {
      runner->stop(budget);
      stopped.count_down();
    });
  }
  stopped.wait();
}

void Pipelines::add_routes(http::Router& router) const {
  router.add("GET", "/livez", [](const http::Request&) { return http::text("alive\n"); });
  router.add("GET", "/readyz", [this](const http::Request&) { return ready(); });
  router.add("GET", "/api/pipelines",
             [this](const http::Request&) { return http::json(list_json()); });
  router.add("GET", "/api/pipelines/{name}",
             [this](const http::Request& request) { return one(request.captures.at("name")); });
}

std::string Pipelines::list_json() const {
  std::string all;
  for (const auto& runner : runners_) {
    const auto progress = runner->progress();
    const std::string latest = progress.empty() ? "null" : trimmed(progress.back().json());
    all += (all.empty() ? "" : ",") + with(runner->status().json(), "progress", latest);
  }
  return "{\"pipelines\":[" + all + "]}\n";
}

http::Response Pipelines::one(const std::string& name) const {
  for (const auto& runner : runners_) {
    const stream::PipelineStatus status = runner->status();
    if (status.name != name) continue;
    std::string recent;
    for (const stream::Progress& progress : runner->progress()) {
      recent += (recent.empty() ? "" : ",") + trimmed(progress.json());
    }
    return http::json(with(status.json(), "progress", "[" + recent + "]") + "\n");
  }
  return http::problem(404, "there is no pipeline '" + name + "'");
}

http::Response Pipelines::ready() const {
  std::string waiting;
  for (const auto& runner : runners_) {
    const stream::PipelineStatus status = runner->status();
    if (status.state == stream::PipelineState::Running ||
        status.state == stream::PipelineState::Stopped)
      continue;
    waiting += (waiting.empty() ? "" : "; ") + ("pipeline " + status.name + " is ") +
               std::string(stream::name(status.state));
    if (!status.error.empty()) waiting += ": " + status.error;
  }
  return waiting.empty() ? http::text("ready\n") : http::problem(503, waiting);
}

}  // namespace penstock::main_room
