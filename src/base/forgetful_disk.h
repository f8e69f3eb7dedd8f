// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/disk.h"

namespace penstock {

// A disk in memory for tests, as unkind as POSIX allows: a power cut forgets every byte that was
// not synced and every name whose directory was not synced. It can run full, fail a chosen call,
// and tear the writes that were under way.
class ForgetfulDisk final : public Disk {
 public:
  ForgetfulDisk();
  ~ForgetfulDisk() override;

  Result<std::shared_ptr<File>> open(const std::string& path, OpenFile mode) override;
  bool exists(const std::string& path) const override;
  bool is_dir(const std::string& path) const override;
  Result<std::vector<std::string>> list(const std::string& dir) const override;
  Result<void> make_dirs(const std::string& dir) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& file) override;
  Result<void> remove_tree(const std::string& dir) override;
  Result<void> sync_dir(const std::string& dir) override;
  Result<std::uint64_t> free_bytes(const std::string& path) const override;

  // What becomes of the writes that were not synced.
  enum class Unsynced {
    Lost,
    Prefix,     // a random prefix of them is there, the last of it perhaps torn
    AnySubset,  // pages went out in any order: each write is there, torn, or missing (zeros)
  };
  // The power goes. Files that were open fail every call from now on.
  void power_cut(Unsynced unsynced, std::mt19937& random);

  enum class Call { Write, Sync, SyncDir, Read };
  // The n-th such call from now (1 = the next) fails with `error_number`; a failing write has
  // written half.
  void fail_call(Call call, int n, int error_number = EIO);
  // Writes fail with ENOSPC once all files together would hold more; they write what fits.
  void set_capacity(std::uint64_t bytes);

  std::uint64_t syncs() const;                              // successful File::sync calls so far
  std::uint64_t bytes_read(const std::string& path) const;  // of this file, so far

 private:
  class MemoryFile;
  struct Inode;
  Result<void> take_fault(Call call, const std::string& path);

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Inode>> live_;     // by path
  std::map<std::string, std::shared_ptr<Inode>> durable_;  // names that survive
  std::map<Call, std::pair<int, int>> faults_;             // calls left, error number
  std::uint64_t capacity_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t used_ = 0;
  std::uint64_t syncs_ = 0;
  std::map<std::string, std::uint64_t> bytes_read_;  // by path
  int lives_ = 0;                                    // power cuts so far
};

}  // namespace penstock
