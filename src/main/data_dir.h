// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"

namespace penstock::main_room {

// Holds a data directory for this process: DIR/lock, locked with flock(2), with our pid inside for
// whoever is refused. The kernel lets go of it however the process ends.
class DataDirLock {
 public:
  // Creates the directory when it is missing. Conflict, naming the other process, when it is taken.
  static Result<DataDirLock> take(const std::filesystem::path& dir);
  ~DataDirLock();
  DataDirLock(DataDirLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DataDirLock& operator=(DataDirLock&&) = delete;

 private:
  explicit DataDirLock(int fd) : fd_(fd) {}
  int fd_;
};

// DIR/endpoints.json: where a running process really listens, for tests and scripts. It is there
// exactly while the process is ready; a killed process leaves it behind, so readers check the pid
// (read() does).
struct Endpoints {
  int pid = 0;
  std::map<std::string, std::string> kafka;  // by listener; what it advertises
  std::string cassandra;                     // empty: not built in
  std::string console;

  std::string json() const;
  static Result<Endpoints> parse(const std::string& json);

  // Replaced atomically: a reader sees all of it or the file before.
  Result<void> write(const std::filesystem::path& dir) const;
  static void remove(const std::filesystem::path& dir);
  // Of the process that runs on `dir`; nothing when none does.
  static std::optional<Endpoints> read(const std::filesystem::path& dir);
};

}  // namespace penstock::main_room
