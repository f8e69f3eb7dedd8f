// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "http/router.h"
#include "net/address.h"
#include "net/loop.h"

namespace penstock::http {

struct HttpOptions {
  net::Address address;
  std::size_t header_bytes_max = 16 << 10;  // more is answered with 431
  std::size_t body_bytes_max = 1 << 20;     // more is answered with 413
  std::size_t connections_max = 1'000;      // one more is closed at once, with a log line
  Duration request_max =
      std::chrono::seconds(30);  // from its first byte to its last, and for sending the answer
  Duration idle_max = std::chrono::seconds(75);  // between requests of one connection
};

// An HTTP/1.1 server on one loop: keep-alive, pipelined requests answered in order, every error a
// problem+json.
//
// All connections live on the loop given, as do the handlers. close() stops accepting, ends every
// connection after the answer that is under way, and returns when they are gone; who has not read
// his answer after `answers_max` is not waited for. The destructor does the same. Neither is called
// on the loop.
class HttpServer {
 public:
  // Fails with Conflict when the address is taken, naming it.
  static Result<std::unique_ptr<HttpServer>> listen(net::Loop& loop, const HttpOptions& options,
                                                    Router router);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  const net::Address& address() const;  // with the real port
  void close(Duration answers_max = Millis(500));

  class Impl;

 private:
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace penstock::http
