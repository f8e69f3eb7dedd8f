// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::net {

// Where to listen or connect: a host name or IP address, and a TCP port. Port 0 asks the system for
// a free one.
struct Address {
  std::string host;
  std::uint16_t port = 0;

  // "127.0.0.1:9092", "localhost:0", "[::1]:9042". An error names the text and what is wrong with
  // it.
  static Result<Address> parse(std::string_view text);
  std::string text() const;  // "host:port", IPv6 in brackets
  bool loopback() const;     // 127.0.0.0/8, ::1 or "localhost"

  friend bool operator==(const Address&, const Address&) = default;
};

}  // namespace penstock::net
