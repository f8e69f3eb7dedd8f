// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace penstock::http {

// A request that was read whole. Paths and query parameters are percent-decoded.
struct Request {
  std::string method;  // upper case
  std::string path;    // without the query
  std::map<std::string, std::string> query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::map<std::string, std::string> captures;  // what the {name}s of the route stood for
  std::string body;

  // The first header of this name, in any case; empty when there is none.
  std::string_view header(std::string_view name) const;
};

// The target of a request line, split and decoded: "/topics/a%20b?limit=3". Fails on a bad escape
// or a path without '/'.
Result<void> parse_target(std::string_view target, Request& into);

// What a handler answers. The server adds Content-Length, Date, Server and Connection.
struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

Response text(std::string body);
Response json(std::string body);

// An error as RFC 9457 says: application/problem+json with status, title and detail.
Response problem(int status, std::string_view detail);
// The one place where a kind of error becomes a status.
Response to_http(const Error& error);

std::string_view reason(int status);

}  // namespace penstock::http
