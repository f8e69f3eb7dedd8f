// SPDX-License-Identifier: Apache-2.0
#include "main/data_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>

#include "base/text_file.h"

namespace penstock::main_room {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

Result<void> write_whole(const fs::path& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return fail(system_error(errno, "writing " + file.string()));
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int why = errno;
  ::close(fd);
  if (!written) return fail(system_error(why, "writing " + file.string()));
  return {};
}

}  // namespace

Result<DataDirLock> DataDirLock::take(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error)
    return fail(Code::Io, "cannot create the data directory {}: {}", dir.string(), error.message());
  const fs::path file = dir / "lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return fail(system_error(errno, "opening " + file.string()));
  DataDirLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(system_error(errno, "locking " + file.string()));
    char pid[16] = {};
    const ssize_t size = ::pread(fd, pid, sizeof pid - 1, 0);
    return fail(
        Code::Conflict,
        "the data directory {} is in use by process {}; stop it, or choose another with --data-dir",
        dir.string(), std::string_view(pid, size > 0 ? static_cast<std::size_t>(size) : 0));
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return fail(system_error(errno, "writing " + file.string()));
  }
  return lock;
}

DataDirLock::~DataDirLock() {
  if (fd_ >= 0) ::close(fd_);
}

std::string Endpoints::json() const {
  json::object listeners;
  for (const auto& [name, address] : kafka) listeners[name] = address;
  json::object all{{"pid", pid}, {"kafka", std::move(listeners)}};
  if (!cassandra.empty()) all["cassandra"] = cassandra;
  if (!console.empty()) all["console"] = console;
  return json::serialize(all) + "\n";
}

Result<Endpoints> Endpoints::parse(const std::string& text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  const json::object* all = value.if_object();
  if (error || all == nullptr) return fail(Code::Corrupt, "endpoints.json is not a JSON object");
  Endpoints endpoints;
  const auto string_of = [](const json::value* v) {
    return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
  };
  if (const json::value* pid = all->if_contains("pid"); pid != nullptr && pid->is_int64()) {
    endpoints.pid = static_cast<int>(pid->get_int64());
  }
  if (const json::value* kafka = all->if_contains("kafka");
      kafka != nullptr && kafka->is_object()) {
    for (const auto& entry : kafka->get_object())
      endpoints.kafka[std::string(entry.key())] = string_of(&entry.value());
  }
  endpoints.cassandra = string_of(all->if_contains("cassandra"));
  endpoints.console = string_of(all->if_contains("console"));
  return endpoints;
}

Result<void> Endpoints::write(const fs::path& dir) const {
  const fs::path temporary = dir / "endpoints.json.new";
  TRY(write_whole(temporary, json()));
  if (::rename(temporary.c_str(), (dir / "endpoints.json").c_str()) != 0) {
    return fail(system_error(errno, "renaming " + temporary.string()));
  }
  return {};
}

void Endpoints::remove(const fs::path& dir) {
  ::unlink((dir / "endpoints.json").c_str());
}

std::optional<Endpoints> Endpoints::read(const fs::path& dir) {
  const auto text = read_text_file(dir / "endpoints.json");
  if (!text) return std::nullopt;
  auto endpoints = parse(*text);
  if (!endpoints || endpoints->pid <= 0) return std::nullopt;
  if (::kill(endpoints->pid, 0) != 0 && errno == ESRCH) return std::nullopt;
  return *std::move(endpoints);
}

}  // namespace penstock::main_room
