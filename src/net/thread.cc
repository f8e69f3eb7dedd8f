// SPDX-License-Identifier: Apache-2.0
#include "net/thread.h"

#include <pthread.h>

#include <thread>

namespace penstock::net {

struct Thread::Impl {
  std::thread thread;
};

Thread::Thread(const std::string& name, Work work) : impl_(std::make_unique<Impl>()) {
  impl_->thread = std::thread([name, work = std::move(work)]() mutable {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    work();
  });
}

Thread::~Thread() {
  join();
}

void Thread::join() {
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace penstock::net
