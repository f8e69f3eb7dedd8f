// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "net/connection.h"

namespace penstock::net {

// How a client proves who the server is, and itself if the server asks. Files are PEM.
struct TlsOptions {
  std::string ca_file;           // authorities to trust; empty: the machine's own
  std::string certificate_file;  // ours, with its chain; empty: none
  std::string key_file;
  std::string key_password;
  bool verify = true;  // the chain, and that the certificate is for the host we dialled
  bool operator==(const TlsOptions&) const = default;
};

// What all connections with the same options share. Any thread.
class TlsClient {
 public:
  // InvalidArgument, naming the file, when one cannot be used.
  static Result<std::shared_ptr<const TlsClient>> make(const TlsOptions& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // A session for a connection whose framing is any_bytes(): it shakes hands (TLS 1.2 or later,
  // within `timeout`), then `inner` sees a connection in the clear, framed by `frame_size`. When
  // the handshake fails `inner` hears why in on_bad_frame() without on_open() before, then
  // on_close(). Needs no socket: bytes in, bytes out.
  MakeSession session(std::string host, Duration timeout, FrameSize frame_size,
                      const ConnectionLimits& limits, MakeSession inner) const;

 private:
  struct Impl;
  explicit TlsClient(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

// Whatever has come is a frame.
Result<std::size_t> any_bytes(BytesView head);

}  // namespace penstock::net
