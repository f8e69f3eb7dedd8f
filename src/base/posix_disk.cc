// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/disk.h"

namespace penstock {
namespace {

Failure failed(std::string_view doing, const std::string& path) {
  return fail(system_error(errno, fmt::format("{} {}", doing, path)));
}

// Calls again when a signal came between.
template <class Call>
auto retrying(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~PosixFile() override { ::close(descriptor_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  const std::string& path() const override { return path_; }

  Result<std::uint64_t> size() const override {
    struct stat status {};
    if (::fstat(descriptor_, &status) < 0) return failed("reading the size of", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<std::size_t> read(std::uint64_t at, char* to, std::size_t bytes) const override {
    std::size_t done = 0;
    while (done < bytes) {
      const ssize_t got = retrying([&] {
        return ::pread(descriptor_, to + done, bytes - done, static_cast<off_t>(at + done));
      });
      if (got < 0) return failed("reading", path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<void> write(std::uint64_t at, std::span<const BytesView> pieces) override {
    constexpr std::size_t kVectors = 64;
    std::array<iovec, kVectors> vectors;
    std::size_t into_piece = 0;  // of pieces.front(), already written
    while (!pieces.empty()) {
      const std::size_t count = std::min(pieces.size(), kVectors);
      for (std::size_t i = 0; i < count; ++i) {
        vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
      }
      vectors[0].iov_base = static_cast<char*>(vectors[0].iov_base) + into_piece;
      vectors[0].iov_len -= into_piece;
      const ssize_t wrote = retrying([&] {
        return ::pwritev(descriptor_, vectors.data(), static_cast<int>(count),
                         static_cast<off_t>(at));
      });
      if (wrote < 0) return failed("writing", path_);
      at += static_cast<std::uint64_t>(wrote);
      into_piece += static_cast<std::size_t>(wrote);
      while (!pieces.empty() && into_piece >= pieces.front().size()) {
        into_piece -= pieces.front().size();
        pieces = pieces.subspan(1);
      }
    }
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (retrying([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); }) < 0) {
      return failed("truncating", path_);
    }
    return {};
  }

  Result<void> sync() override {
    // Not retried after EINTR or anything else: a second fdatasync may report success for pages
    // that were dropped.
    if (::fdatasync(descriptor_) < 0) return failed("syncing", path_);
    return {};
  }

 private:
  int descriptor_;
  std::string path_;
};

class PosixDisk final : public Disk {
 public:
  Result<std::shared_ptr<File>> open(const std::string& path, OpenFile mode) override {
    int flags = O_CLOEXEC | (mode == OpenFile::Read ? O_RDONLY : O_RDWR);
    if (mode == OpenFile::Create) flags |= O_CREAT;
    const int descriptor = retrying([&] { return ::open(path.c_str(), flags, 0644); });
    if (descriptor < 0) return failed("opening", path);
    return std::make_shared<PosixFile>(descriptor, path);
  }

  bool exists(const std::string& path) const override { return ::access(path.c_str(), F_OK) == 0; }

  bool is_dir(const std::string& path) const override {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  }

  Result<std::vector<std::string>> list(const std::string& dir) const override {
    DIR* stream = ::opendir(dir.c_str());
    if (stream == nullptr) return failed("listing", dir);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = static_cast<const char*>(entry->d_name);
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(stream);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<void> make_dirs(const std::string& dir) override {
    std::error_code error;
    std::filesystem::create_directories(dir, error);
    if (error) return fail(system_error(error.value(), "creating directory " + dir));
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) < 0) return failed("renaming", from);
    return {};
  }

  Result<void> remove(const std::string& file) override {
    if (::unlink(file.c_str()) < 0) return failed("removing", file);
    return {};
  }

  Result<void> remove_tree(const std::string& dir) override {
    std::error_code error;
    std::filesystem::remove_all(dir, error);
    if (error) return fail(system_error(error.value(), "removing directory " + dir));
    return {};
  }

  Result<void> sync_dir(const std::string& dir) override {
    const int descriptor =
        retrying([&] { return ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (descriptor < 0) return failed("opening directory", dir);
    const int result = ::fsync(descriptor);
    const int error = errno;
    ::close(descriptor);
    if (result < 0) return fail(system_error(error, "syncing directory " + dir));
    return {};
  }

  Result<std::uint64_t> free_bytes(const std::string& path) const override {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) < 0) return failed("asking for the free space of", path);
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }
};

}  // namespace

Disk& posix_disk() {
  static PosixDisk disk;
  return disk;
}

}  // namespace penstock
