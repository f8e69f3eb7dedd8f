// SPDX-License-Identifier: Apache-2.0
#include "net/loop.h"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/check.h"
#include "net/asio_loop.h"

namespace penstock::net {
namespace asio = boost::asio;
namespace {

void name_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

class AsioLoop final : public Loop {
 public:
  explicit AsioLoop(const std::string& name)
      : guard_(asio::make_work_guard(context_)), thread_([this, name] {
          name_thread(name);
          home_.store(std::this_thread::get_id());
          context_.run();
        }) {}

  // Timers belong to the context and go before it; work that it still holds may cancel one as it is
  // destroyed, so the map itself stays until after.
  ~AsioLoop() override {
    stop();
    timers_.clear();
  }

  void post(Work work) override { asio::post(context_, std::move(work)); }

  TimerId after(Duration delay, Work work) override {
    const auto id = static_cast<TimerId>(++last_timer_);
    auto& timer =
        *timers_.emplace(id, std::make_unique<asio::steady_timer>(context_, delay)).first->second;
    timer.async_wait(
        [this, id, work = std::move(work)](const boost::system::error_code& error) mutable {
          if (error || timers_.erase(id) == 0)
            return;  // cancelled, perhaps after it was already due
          work();
        });
    return id;
  }
  void cancel(TimerId timer) override { timers_.erase(timer); }
  bool here() const override { return std::this_thread::get_id() == home_.load(); }
  const Clock& clock() const override { return system_clock(); }

  void stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }
  asio::io_context& context() { return context_; }

 private:
  std::unordered_map<TimerId, std::unique_ptr<asio::steady_timer>> timers_;
  std::uint64_t last_timer_ = 0;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::atomic<std::thread::id> home_;
  std::thread thread_;
};

}  // namespace

asio::io_context& io_context(Loop& loop) {
  auto* real = dynamic_cast<AsioLoop*>(&loop);
  CHECK(real != nullptr, "this loop has no io_context");
  return real->context();
}

struct Loops::Impl {
  std::vector<std::unique_ptr<AsioLoop>> loops;
};

Loops::Loops(std::size_t count, const std::string& name) : impl_(std::make_unique<Impl>()) {
  CHECK(count > 0);
  for (std::size_t i = 0; i < count; ++i)
    impl_->loops.push_back(std::make_unique<AsioLoop>(name + std::to_string(i)));
}
Loops::~Loops() {
  stop();
}
Loop& Loops::at(std::size_t i) {
  return *impl_->loops[i % impl_->loops.size()];
}
std::size_t Loops::size() const {
  return impl_->loops.size();
}
void Loops::stop() {
  for (auto& loop : impl_->loops) loop->stop();
}

struct BlockingPool::Impl {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Work> queue;
  bool stopping = false;
  std::vector<std::thread> threads;

  void serve() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      Work work = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      work();
      work = {};
      lock.lock();
    }
  }
};

BlockingPool::BlockingPool(std::size_t threads, const std::string& name)
    : impl_(std::make_unique<Impl>()) {
  CHECK(threads > 0);
  for (std::size_t i = 0; i < threads; ++i)
    impl_->threads.emplace_back([this, thread_name = name + std::to_string(i)] {
      name_thread(thread_name);
      impl_->serve();
    });
}
BlockingPool::~BlockingPool() {
  stop();
}

void BlockingPool::run(Work work) {
  {
    const std::lock_guard lock(impl_->mutex);
    CHECK(!impl_->stopping, "BlockingPool::run after stop");
    impl_->queue.push_back(std::move(work));
  }
  impl_->changed.notify_one();
}

void BlockingPool::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  for (std::thread& thread : impl_->threads)
    if (thread.joinable()) thread.join();
}

}  // namespace penstock::net
