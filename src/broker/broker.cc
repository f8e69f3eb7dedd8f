// SPDX-License-Identifier: Apache-2.0
#include "broker/broker.h"

#include <future>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/disk.h"
#include "base/logging.h"
#include "broker/node.h"
#include "broker/session.h"
#include "net/connection.h"

namespace penstock::broker {
namespace {

// Runs `work` on the loop and returns its result; at once when this is the loop's thread.
template <class F>
auto on_loop(net::Loop& loop, F&& work) {
  using R = std::invoke_result_t<F>;
  if (loop.here()) return work();
  std::promise<R> done;
  loop.post([&] {
    if constexpr (std::is_void_v<R>) {
      work();
      done.set_value();
    } else {
      done.set_value(work());
    }
  });
  return done.get_future().get();
}

}  // namespace

struct Broker::Impl {
  explicit Impl(net::Loop& home) : loop(home) {}

  net::Loop& loop;
  std::unique_ptr<Node> node;
  Sessions sessions;
  std::vector<std::unique_ptr<net::Listener>> listeners;
  std::map<std::string, net::Address> addresses;
  std::map<std::string, net::Address> advertised;
  bool stopped = false;

  Result<void> listen_on(const std::string& name, const ListenerConfig& config);
};

Broker::Broker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Broker::~Broker() {
  stop();
}

Result<std::unique_ptr<Broker>> Broker::open(const BrokerConfig& config,
                                             const std::string& data_dir, net::Loop& loop,
                                             net::BlockingPool& pool, Metrics& metrics) {
  return open(config, data_dir, posix_disk(), loop, pool, metrics);
}

Result<std::unique_ptr<Broker>> Broker::open(const BrokerConfig& config,
                                             const std::string& data_dir, Disk& disk,
                                             net::Loop& loop, net::BlockingPool& pool,
                                             Metrics& metrics) {
  auto impl = std::make_unique<Impl>(loop);
  auto node = on_loop(
      loop, [&] { return Node::open(config, data_dir, disk, loop, log::on_pool(pool), metrics); });
  if (!node) return fail(std::move(node).error().with("opening the broker"));
  impl->node = std::move(*node);
  return std::unique_ptr<Broker>(new Broker(std::move(impl)));
}

// On the loop, so that no connection is accepted before its address is known.
Result<void> Broker::Impl::listen_on(const std::string& name, const ListenerConfig& config) {
  const BrokerConfig& limits = node->config();
  net::ListenOptions options;
  options.address = config.bind;
  options.frame_size = kafka::frame_size;
  options.limits.frame_bytes_max = static_cast<std::size_t>(limits.socket_request_max_bytes) + 4;
  options.limits.idle_max = limits.connections_max_idle_ms;
  options.connections_max = static_cast<std::size_t>(limits.max_connections);

  net::Address& public_address = advertised[name];
  auto listener = TRY_WITH(net::listen({&loop}, options,
                                       [this, name, &public_address](const net::ConnectionPtr&) {
                                         return std::make_unique<KafkaSession>(
                                             *node, sessions, name, public_address);
                                       }),
                           "listener " + name);
  addresses[name] = listener->address();
  public_address = config.advertised.value_or(net::Address{});
  const bool wildcard =
      config.bind.host.empty() || config.bind.host == "0.0.0.0" || config.bind.host == "::";
  if (public_address.host.empty() && !wildcard) public_address.host = config.bind.host;
  if (public_address.port == 0) public_address.port = listener->address().port;
  listeners.push_back(std::move(listener));
  log_info("broker", "listener {} serves {}, advertised as {}", name, addresses[name].text(),
           public_address.text());
  return {};
}

Result<void> Broker::listen(const Listeners& listeners) {
  CHECK(impl_->listeners.empty(), "Broker::listen is called once");
  Result<void> result = on_loop(impl_->loop, [&]() -> Result<void> {
    for (const auto& [name, config] : listeners) TRY(impl_->listen_on(name, config));
    return {};
  });
  if (!result) impl_->listeners.clear();
  return result;
}

const std::map<std::string, net::Address>& Broker::addresses() const {
  return impl_->addresses;
}
const std::map<std::string, net::Address>& Broker::advertised() const {
  return impl_->advertised;
}

void Broker::stop(Duration drain_max) {
  if (std::exchange(impl_->stopped, true)) return;
  Impl& impl = *impl_;
  CHECK(!impl.loop.here(), "Broker::stop from its own loop");
  for (const auto& listener : impl.listeners) listener->stop_accepting();

  std::promise<void> drained;
  impl.loop.post([&] {
    impl.node->finish_waiting();
    const auto sessions = impl.sessions.open;  // draining ends some of them
    for (KafkaSession* session : sessions) session->drain();
    impl.node->close([&](const Result<void>& closed) {
      if (!closed)
        log_error("broker", "the logs were not closed cleanly: {}", closed.error().message);
      if (impl.sessions.open.empty()) return drained.set_value();
      // Once: by the last session, or by the timer.
      const auto end = [&drained, &impl, done = std::make_shared<bool>(false)] {
        if (std::exchange(*done, true)) return;
        impl.sessions.when_empty = nullptr;
        drained.set_value();
      };
      const net::TimerId timer = impl.loop.after(drain_max, end);
      impl.sessions.when_empty = [&impl, end, timer] {
        impl.loop.cancel(timer);
        end();
      };
    });
  });
  drained.get_future().wait();
  impl.listeners.clear();
  on_loop(impl.loop, [&] { impl.node.reset(); });
}

}  // namespace penstock::broker
