// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <charconv>

namespace penstock::http {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      unsigned byte = 0;
      const char* from = text.data() + i + 1;
      if (i + 2 >= text.size() || std::from_chars(from, from + 2, byte, 16).ptr != from + 2) {
        return fail(Code::InvalidArgument,
                    "'%' in the request target must be followed by two hex digits");
      }
      out += static_cast<char>(byte);
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const auto& h) { return same_name(h.first, name); });
  return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

Result<void> parse_target(std::string_view target, Request& into) {
  target = target.substr(0, target.find('#'));
  const std::size_t question = target.find('?');
  if (!target.starts_with('/')) {
    return fail(Code::InvalidArgument, "the request target must begin with '/'");
  }
  into.path = TRY(decode(target.substr(0, question), false));
  if (question == std::string_view::npos) return {};
  for (std::string_view rest = target.substr(question + 1); !rest.empty();) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::string name = TRY(decode(pair.substr(0, equals), true));
    std::string value = TRY(decode(pair.substr(std::min(equals + 1, pair.size())), true));
    if (!name.empty()) into.query.insert_or_assign(std::move(name), std::move(value));
  }
  return {};
}

Response text(std::string body) {
  return {.body = std::move(body), .headers = {}};
}

Response json(std::string body) {
  return {.content_type = "application/json", .body = std::move(body), .headers = {}};
}

Response problem(int status, std::string_view detail) {
  const std::string_view title = reason(status);
  const boost::json::object body{
      {"type", "about:blank"},
      {"title", boost::json::string_view(title.data(), title.size())},
      {"status", status},
      {"detail", boost::json::string_view(detail.data(), detail.size())}};
  return {.status = status,
          .content_type = "application/problem+json",
          .body = boost::json::serialize(body) + "\n",
          .headers = {}};
}

Response to_http(const Error& error) {
  switch (error.code) {
    case Code::InvalidArgument:
    case Code::OutOfRange:
    case Code::Corrupt:
      return problem(400, error.message);
    case Code::Unauthorized:
      return problem(401, error.message);
    case Code::NotFound:
      return problem(404, error.message);
    case Code::AlreadyExists:
    case Code::Conflict:
      return problem(409, error.message);
    case Code::TooLarge:
      return problem(413, error.message);
    case Code::Unsupported:
      return problem(501, error.message);
    case Code::Unavailable:
    case Code::Closed:
      return problem(503, error.message);
    case Code::Timeout:
      return problem(504, error.message);
    case Code::NoSpace:
      return problem(507, error.message);
    case Code::Io:
    case Code::Internal:
      return problem(500, error.message);
  }
  return problem(500, error.message);
}

std::string_view reason(int status) {
  const auto words =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {words.data(), words.size()};
}

}  // namespace penstock::http
