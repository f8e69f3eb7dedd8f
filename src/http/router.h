// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace penstock::http {

// Answers one request; a plain function over values. Called on the server's loop, so it must not
// block.
using Handler = std::function<Response(const Request&)>;

// Which handler answers which method and path. A pattern is a path whose segments may be captures:
// "/api/pipelines/{name}". A literal segment wins over a capture. Filled before serving, constant
// afterwards.
class Router {
 public:
  void add(std::string method, std::string_view pattern, Handler handler);

  // The handler's answer; 404 when no pattern fits, 405 with Allow when only the method is wrong,
  // 500 when the handler threw. HEAD is answered by the GET handler (the server leaves the body
  // out), OPTIONS by the list of methods.
  Response answer(Request request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace penstock::http
