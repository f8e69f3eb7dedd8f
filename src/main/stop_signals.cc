// SPDX-License-Identifier: Apache-2.0
#include "main/stop_signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"

namespace penstock::main_room {
namespace {

sigset_t stop_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  released_ = ::eventfd(0, EFD_CLOEXEC);
  CHECK(signals_ >= 0 && released_ >= 0);
}

StopSignals::~StopSignals() {
  ::close(signals_);
  ::close(released_);
}

int StopSignals::wait() {
  while (true) {
    if (const auto came = wait_for(Millis(-1))) return *came;
  }
}

std::optional<int> StopSignals::wait_for(Millis time) {
  pollfd events[2] = {{signals_, POLLIN, 0}, {released_, POLLIN, 0}};
  if (::poll(events, 2, static_cast<int>(time.count())) <= 0) return std::nullopt;
  if ((events[0].revents & POLLIN) == 0) return 0;
  signalfd_siginfo info{};
  if (::read(signals_, &info, sizeof info) != sizeof info) return 0;
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return static_cast<int>(info.ssi_signo);
}

void StopSignals::release() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(released_, &one, sizeof one));
}

}  // namespace penstock::main_room
