// SPDX-License-Identifier: Apache-2.0
#include "main/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/clock.h"

namespace penstock::main_room {
namespace {

// The names every Prometheus client uses for its process, taken when somebody asks.
void note_process(Metrics& metrics) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  auto cpu = metrics.counter("process_cpu_seconds_total", "CPU time used, in seconds.");
  cpu.add(std::max(0.0, seconds(usage.ru_utime) + seconds(usage.ru_stime) - cpu.value()));
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  if (statm >> pages >> resident) {
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    metrics.gauge("process_virtual_memory_bytes", "Virtual memory, in bytes.").set(pages * page);
    metrics.gauge("process_resident_memory_bytes", "Resident memory, in bytes.")
        .set(resident * page);
  }
  std::error_code gone;
  const std::filesystem::directory_iterator files("/proc/self/fd", gone);
  metrics.gauge("process_open_fds", "Open file descriptors.")
      .set(static_cast<double>(std::distance(begin(files), end(files))));
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  metrics.gauge("process_max_fds", "The limit of open file descriptors.")
      .set(static_cast<double>(limit.rlim_cur));
}

}  // namespace

void note_start(Metrics& metrics) {
  metrics
      .gauge("penstock_build_info", "The version, as a label; always 1.",
             {{"version", PENSTOCK_VERSION}})
      .set(1);
  metrics.gauge("process_start_time_seconds", "When the process began, in seconds since 1970.")
      .set(static_cast<double>(system_clock().wall_millis()) / 1000);
}

http::Response metrics_page(Metrics& metrics) {
  note_process(metrics);
  return http::Response{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                        .body = metrics.text(),
                        .headers = {}};
}

}  // namespace penstock::main_room
