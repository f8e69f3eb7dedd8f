// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <set>

#include "base/logging.h"

namespace penstock::http {
namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  for (path.remove_prefix(1); !path.empty();) {
    segments.emplace_back(path.substr(0, path.find('/')));
    path.remove_prefix(std::min(segments.back().size() + 1, path.size()));
  }
  return segments;
}

bool is_capture(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

// How many literal segments fit, or nothing when the path is another one.
std::optional<std::size_t> fit(const std::vector<std::string>& pattern,
                               const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  std::size_t literal = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_capture(pattern[i])) continue;
    if (pattern[i] != path[i]) return std::nullopt;
    ++literal;
  }
  return literal;
}

}  // namespace

void Router::add(std::string method, std::string_view pattern, Handler handler) {
  routes_.push_back({std::move(method), split(pattern), std::move(handler)});
}

Response Router::answer(Request request) const {
  const std::vector<std::string> path = split(request.path);
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const Route* best = nullptr;
  std::size_t best_fit = 0;
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    const auto literal = fit(route.segments, path);
    if (!literal) continue;
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
    if (route.method == method && (best == nullptr || *literal > best_fit)) {
      best = &route;
      best_fit = *literal;
    }
  }
  if (allowed.empty()) return problem(404, "nothing is served at " + request.path);
  if (best == nullptr) {
    allowed.insert("OPTIONS");
    std::string allow;
    for (const std::string& name : allowed) allow += (allow.empty() ? "" : ", ") + name;
    Response refused = request.method == "OPTIONS"
                           ? Response{.status = 204, .body = {}, .headers = {}}
                           : problem(405, request.path + " answers " + allow);
    refused.headers.emplace_back("Allow", allow);
    return refused;
  }
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::string& segment = best->segments[i];
    if (is_capture(segment)) request.captures[segment.substr(1, segment.size() - 2)] = path[i];
  }
  try {
    return best->handler(request);
  } catch (const std::exception& thrown) {  // the rim: libraries below a handler may throw
    log_error("http", "{} {} failed: {}", request.method, request.path, thrown.what());
    return problem(500, "the request failed; the server's log says why");
  }
}

}  // namespace penstock::http
