// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/function.h"

namespace penstock::net {

using Work = Function<void()>;
enum class TimerId : std::uint64_t { None = 0 };

// One thread that runs pieces of work one after another. What has its home on a loop is touched
// only there, and so needs no lock. Production loops wrap Asio; tests use FakeLoop, which moves
// only when told.
class Loop {
 public:
  virtual ~Loop() = default;

  // Runs `work` on this loop, after what was posted before. Any thread. Work posted after the loop
  // has stopped is destroyed without running.
  virtual void post(Work work) = 0;

  // Runs `work` once, `delay` from now. Loop thread only. Cancelling a timer that has fired, or
  // TimerId::None, does nothing.
  virtual TimerId after(Duration delay, Work work) = 0;
  virtual void cancel(TimerId timer) = 0;

  // Whether the calling thread is this loop's. Any thread.
  virtual bool here() const = 0;
  virtual const Clock& clock() const = 0;
};

// The process's loops, one thread each, started at once. A room picks its homes with at(i); i wraps
// around.
class Loops {
 public:
  Loops(std::size_t count, const std::string& name);
  ~Loops();  // stop()
  Loops(const Loops&) = delete;
  Loops& operator=(const Loops&) = delete;

  Loop& at(std::size_t i);
  std::size_t size() const;

  // Ends every loop after the piece of work it is in and joins the threads. Work still queued is
  // destroyed. Not from a loop.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A bounded set of threads for calls that block (RocksDB, fdatasync, name resolution). Work runs in
// order of arrival on whichever thread is free. Any thread may call run(); stop() finishes what is
// queued and joins.
class BlockingPool {
 public:
  BlockingPool(std::size_t threads, const std::string& name);
  ~BlockingPool();  // stop()
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  void run(Work work);
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::net
