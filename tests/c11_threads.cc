// SPDX-License-Identifier: Apache-2.0
// C11's threads, locks and conditions as pthread's, for tests under the thread sanitizer only: it
// follows pthread's functions and does not know C11's, with which librdkafka makes its threads. It
// crashes in a thread whose beginning it has not seen, and calls a lock that it has not seen a
// race. In glibc a mtx_t is a pthread_mutex_t, a cnd_t a pthread_cond_t, and thrd_t is pthread_t.
#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <cstdint>

namespace {

int c11(int error) {
  switch (error) {
    case 0:
      return thrd_success;
    case EBUSY:
      return thrd_busy;
    case ENOMEM:
      return thrd_nomem;
    case ETIMEDOUT:
      return thrd_timedout;
    default:
      return thrd_error;
  }
}

struct Start {
  thrd_start_t function;
  void* argument;
};

void* run(void* given) {
  const Start start = *static_cast<Start*>(given);
  delete static_cast<Start*>(given);
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(start.function(start.argument)));
}

pthread_mutex_t* mutex(mtx_t* m) {
  return reinterpret_cast<pthread_mutex_t*>(m);
}
pthread_cond_t* condition(cnd_t* c) {
  return reinterpret_cast<pthread_cond_t*>(c);
}
static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t));

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  return c11(pthread_create(thread, nullptr, run, new Start{function, argument}));
}
int thrd_join(thrd_t thread, int* result) {
  void* returned = nullptr;
  const int error = pthread_join(thread, &returned);
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<std::intptr_t>(returned));
  return c11(error);
}

int mtx_init(mtx_t* m, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if ((type & mtx_recursive) != 0) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  const int error = pthread_mutex_init(mutex(m), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return c11(error);
}
int mtx_lock(mtx_t* m) {
  return c11(pthread_mutex_lock(mutex(m)));
}
int mtx_unlock(mtx_t* m) {
  return c11(pthread_mutex_unlock(mutex(m)));
}
void mtx_destroy(mtx_t* m) {
  pthread_mutex_destroy(mutex(m));
}

int cnd_init(cnd_t* c) {
  return c11(pthread_cond_init(condition(c), nullptr));
}
int cnd_signal(cnd_t* c) {
  return c11(pthread_cond_signal(condition(c)));
}
int cnd_broadcast(cnd_t* c) {
  return c11(pthread_cond_broadcast(condition(c)));
}
int cnd_wait(cnd_t* c, mtx_t* m) {
  return c11(pthread_cond_wait(condition(c), mutex(m)));
}
int cnd_timedwait(cnd_t* c, mtx_t* m, const timespec* until) {
  return c11(pthread_cond_timedwait(condition(c), mutex(m), until));
}
void cnd_destroy(cnd_t* c) {
  pthread_cond_destroy(condition(c));
}

}  // extern "C"
