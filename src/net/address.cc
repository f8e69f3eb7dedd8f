// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <charconv>

namespace penstock::net {

Result<Address> Address::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return fail(Code::InvalidArgument, "'{}' is not an address: expected HOST:PORT", text);
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return fail(Code::InvalidArgument, "'{}' is not an address: write IPv6 as [{}]:{}", text, host,
                port);
  if (host.empty())
    return fail(Code::InvalidArgument, "'{}' is not an address: the host is missing", text);
  Address address{std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc{} || end != port.data() + port.size())
    return fail(Code::InvalidArgument, "'{}' is not an address: '{}' is not a port from 0 to 65535",
                text, port);
  return address;
}

std::string Address::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

bool Address::loopback() const {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace penstock::net
