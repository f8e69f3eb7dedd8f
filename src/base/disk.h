// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock {

// An open file. Positions are explicit, so a reader and the writer do not disturb each other:
// read() and sync() may run on any thread beside one writer. What write() and truncate() changed
// survives a power cut only after sync().
class File {
 public:
  virtual ~File() = default;  // closes

  virtual const std::string& path() const = 0;
  virtual Result<std::uint64_t> size() const = 0;

  // Up to `bytes` bytes from `at`; fewer only where the file ends.
  virtual Result<std::size_t> read(std::uint64_t at, char* to, std::size_t bytes) const = 0;

  // Writes the pieces one after another from `at`, all of them or an error. After an error any
  // prefix may be there: the caller truncates.
  virtual Result<void> write(std::uint64_t at, std::span<const BytesView> pieces) = 0;
  Result<void> write(std::uint64_t at, BytesView bytes) { return write(at, {&bytes, 1}); }

  virtual Result<void> truncate(std::uint64_t size) = 0;

  // fdatasync: when it returns, the file's bytes and size are on the disk. After an error nothing
  // is known about what was written since the last success, and a later success says nothing about
  // it either.
  virtual Result<void> sync() = 0;

  // Exactly `bytes` bytes from `at`, or Corrupt when the file ends before.
  Result<Bytes> read_exactly(std::uint64_t at, std::size_t bytes) const;
};

enum class OpenFile {
  Read,    // must exist
  Write,   // must exist
  Create,  // opened as it is, or made empty
};

// Files and directories, so that tests own them. A created, renamed or removed name survives a
// power cut only after sync_dir() of its directory. Any thread.
class Disk {
 public:
  virtual ~Disk() = default;

  virtual Result<std::shared_ptr<File>> open(const std::string& path, OpenFile mode) = 0;
  virtual bool exists(const std::string& path) const = 0;
  virtual bool is_dir(const std::string& path) const = 0;
  virtual Result<std::vector<std::string>> list(const std::string& dir) const = 0;  // names, sorted
  virtual Result<void> make_dirs(const std::string& dir) = 0;  // with parents; fine when it exists
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual Result<void> remove(const std::string& file) = 0;
  virtual Result<void> remove_tree(const std::string& dir) = 0;
  virtual Result<void> sync_dir(const std::string& dir) = 0;
  virtual Result<std::uint64_t> free_bytes(const std::string& path) const = 0;

  Result<Bytes> read_all(const std::string& path);
  // Puts `bytes` in the place of the file at once: after a crash it has the old bytes or the new
  // ones. On the disk when it returns.
  Result<void> replace(const std::string& path, BytesView bytes);
};

// The machine's disk.
Disk& posix_disk();

}  // namespace penstock
