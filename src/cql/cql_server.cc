// SPDX-License-Identifier: Apache-2.0
#include "cql/cql_server.h"

#include <future>

#include "base/logging.h"
#include "cql/session.h"
#include "cql/session_host.h"

namespace penstock::cql_server {

struct CqlServer::Impl {
  std::vector<net::Loop*> loops;
  std::shared_ptr<SessionHost> host;
  std::unique_ptr<net::Listener> listener;
  net::Address address;
  bool stopped = false;
};

namespace {

// Returns when the loops have run what was posted before, and what that posted in its turn: an
// answer crosses to its loop with one post and leaves with a second.
void wait_until_sent(const std::vector<net::Loop*>& loops) {
  for (net::Loop* loop : loops) {
    std::promise<void> sent;
    loop->post([loop, &sent] { loop->post([&sent] { sent.set_value(); }); });
    sent.get_future().wait();
  }
}

}  // namespace

CqlServer::CqlServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

CqlServer::~CqlServer() {
  stop();
}

Result<std::unique_ptr<CqlServer>> CqlServer::open(CqlConfig config, table::Store& store,
                                                   std::vector<net::Loop*> loops,
                                                   net::BlockingPool& pool, Metrics& metrics,
                                                   const Clock& clock) {
  if (loops.empty()) return fail(Code::InvalidArgument, "the CQL server needs a loop");
  auto impl = std::make_shared<Impl>();
  impl->loops = std::move(loops);
  impl->host = std::make_shared<SessionHost>(config, store, pool, metrics, clock);
  return std::unique_ptr<CqlServer>(new CqlServer(std::move(impl)));
}

Result<void> CqlServer::listen(const net::Address& address) {
  if (impl_->listener)
    return fail(Code::InvalidArgument, "the CQL server listens already, on {}",
                impl_->listener->address().text());
  net::ListenOptions options;
  options.address = address;
  options.frame_size = cql::request_frame_size;
  options.limits.frame_bytes_max = impl_->host->config.frame_bytes_max;
  options.connections_max = impl_->host->config.connections_max;
  impl_->listener =
      TRY_WITH(net::listen(impl_->loops, options,
                           [host = impl_->host](const net::ConnectionPtr& connection) {
                             return std::make_unique<Session>(host, connection);
                           }),
               "CQL");
  log_info("cql", "CQL clients are served on {}.", impl_->listener->address().text());
  return {};
}

const net::Address& CqlServer::address() const {
  return impl_->listener ? impl_->listener->address() : impl_->address;
}

std::unique_ptr<net::Session> CqlServer::make_session(const net::ConnectionPtr& connection) {
  return std::make_unique<Session>(impl_->host, connection);
}

void CqlServer::stop() {
  if (impl_->listener && !impl_->stopped) {
    impl_->stopped = true;
    impl_->host->announce_down();
    wait_until_sent(impl_->loops);
    impl_->listener->close();
  }
  impl_->host->wait_until_idle();
}

}  // namespace penstock::cql_server
