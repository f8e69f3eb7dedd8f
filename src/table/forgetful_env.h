// SPDX-License-Identifier: Apache-2.0
// A disk for tests, between RocksDB and a real folder: it can fail, and at a crash it forgets what
// was not synced.
#pragma once

#include <rocksdb/env.h>

#include <map>
#include <mutex>
#include <string>

namespace penstock::table {

// Keeps for each file how many bytes have been synced, and whether its directory has been synced
// since it was created or linked. crash() makes every later write and sync fail; forget(), once the
// database is closed, cuts each file to what was synced and removes those whose names were not. (A
// rename counts as durable at once.)
class ForgetfulEnv final : public rocksdb::EnvWrapper {
 public:
  ForgetfulEnv() : EnvWrapper(rocksdb::Env::Default()) {}

  const char* Name() const override { return "ForgetfulEnv"; }

  // Crashes by itself after that many more appends, syncs and changes of names.
  void crash_after(int operations) { left_ = operations; }
  void crash() { left_ = 0; }
  bool crashed() const { return left_ == 0; }
  int syncs() const { return syncs_; }  // of files, so far
  // Until told otherwise, appends and syncs fail with this (OK = they work again).
  void fail_with(rocksdb::Status status) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(status);
  }

  // The same for syncs alone: the bytes are in the file, and nobody knows whether they will stay.
  void fail_syncs_with(rocksdb::Status status) {
    const std::lock_guard lock(mutex_);
    sync_failure_ = std::move(status);
  }

  void forget() {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, file] : files_) {
      if (!file.named) {
        static_cast<void>(target()->DeleteFile(path));
      } else {
        static_cast<void>(target()->Truncate(path, file.synced));
      }
    }
    files_.clear();
  }

  rocksdb::Status NewWritableFile(const std::string& path,
                                  std::unique_ptr<rocksdb::WritableFile>* result,
                                  const rocksdb::EnvOptions& options) override {
    return open(
        path, result, options, [&] { return target()->NewWritableFile(path, result, options); },
        true);
  }
  rocksdb::Status ReopenWritableFile(const std::string& path,
                                     std::unique_ptr<rocksdb::WritableFile>* result,
                                     const rocksdb::EnvOptions& options) override {
    return open(
        path, result, options, [&] { return target()->ReopenWritableFile(path, result, options); },
        false);
  }
  rocksdb::Status NewDirectory(const std::string& path,
                               std::unique_ptr<rocksdb::Directory>* result) override;
  rocksdb::Status DeleteFile(const std::string& path) override {
    if (rocksdb::Status status = step(); !status.ok()) return status;
    const std::lock_guard lock(mutex_);
    files_.erase(path);
    return target()->DeleteFile(path);
  }
  rocksdb::Status RenameFile(const std::string& from, const std::string& to) override {
    if (rocksdb::Status status = step(); !status.ok()) return status;
    const std::lock_guard lock(mutex_);
    if (const auto found = files_.find(from); found != files_.end()) {
      files_[to] = {found->second.synced, true};
      files_.erase(found);
    }
    return target()->RenameFile(from, to);
  }
  rocksdb::Status LinkFile(const std::string& from, const std::string& to) override {
    if (rocksdb::Status status = step(); !status.ok()) return status;
    const std::lock_guard lock(mutex_);
    files_[to] = {files_[from].synced, false};
    return target()->LinkFile(from, to);
  }

 private:
  struct File {
    std::uint64_t synced = 0;
    bool named = false;
  };

  class Writable final : public rocksdb::WritableFileWrapper {
   public:
    Writable(std::unique_ptr<rocksdb::WritableFile> file, std::string path, ForgetfulEnv& env)
        : WritableFileWrapper(file.get()),
          file_(std::move(file)),
          path_(std::move(path)),
          env_(env) {}

    rocksdb::Status Append(const rocksdb::Slice& data) override {
      const rocksdb::Status status = env_.step();
      return status.ok() ? file_->Append(data) : status;
    }
    rocksdb::Status Append(const rocksdb::Slice& data,
                           const rocksdb::DataVerificationInfo&) override {
      return Append(data);
    }
    rocksdb::Status Sync() override { return sync(); }
    rocksdb::Status Fsync() override { return sync(); }
    rocksdb::Status RangeSync(std::uint64_t, std::uint64_t) override { return {}; }
    rocksdb::Status Close() override { return file_->Close(); }

   private:
    rocksdb::Status sync() {
      ++env_.syncs_;
      if (rocksdb::Status status = env_.step(true); !status.ok()) return status;
      const rocksdb::Status status = file_->Sync();
      if (status.ok()) env_.synced(path_, file_->GetFileSize());
      return status;
    }

    std::unique_ptr<rocksdb::WritableFile> file_;
    std::string path_;
    ForgetfulEnv& env_;
  };

  class Folder final : public rocksdb::Directory {
   public:
    Folder(std::unique_ptr<rocksdb::Directory> directory, std::string path, ForgetfulEnv& env)
        : directory_(std::move(directory)), path_(std::move(path)), env_(env) {}
    rocksdb::Status Fsync() override {
      if (rocksdb::Status status = env_.step(); !status.ok()) return status;
      env_.folder_synced(path_);
      return directory_->Fsync();
    }

   private:
    std::unique_ptr<rocksdb::Directory> directory_;
    std::string path_;
    ForgetfulEnv& env_;
  };

  template <class Open>
  rocksdb::Status open(const std::string& path, std::unique_ptr<rocksdb::WritableFile>* result,
                       const rocksdb::EnvOptions&, const Open& open_target, bool fresh) {
    if (rocksdb::Status status = step(); !status.ok()) return status;
    if (rocksdb::Status status = open_target(); !status.ok()) return status;
    {
      const std::lock_guard lock(mutex_);
      if (fresh) files_[path] = {};
    }
    *result = std::make_unique<Writable>(std::move(*result), path, *this);
    return {};
  }

  // What every operation that changes something asks first.
  rocksdb::Status step(bool is_sync = false) {
    const std::lock_guard lock(mutex_);
    if (left_ == 0) return rocksdb::Status::IOError("the machine is off");
    if (left_ > 0) --left_;
    return is_sync && failure_.ok() ? sync_failure_ : failure_;
  }
  void synced(const std::string& path, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    files_[path].synced = size;
  }
  void folder_synced(const std::string& path) {
    const std::lock_guard lock(mutex_);
    for (auto& [file_path, file] : files_) {
      if (file_path.substr(0, file_path.rfind('/')) == path) file.named = true;
    }
  }

  std::mutex mutex_;
  std::map<std::string, File> files_;
  std::atomic<int> syncs_{0};
  std::atomic<int> left_{-1};  // operations until the crash; negative = never
  rocksdb::Status failure_;
  rocksdb::Status sync_failure_;
};

inline rocksdb::Status ForgetfulEnv::NewDirectory(const std::string& path,
                                                  std::unique_ptr<rocksdb::Directory>* result) {
  const rocksdb::Status status = target()->NewDirectory(path, result);
  if (status.ok()) *result = std::make_unique<Folder>(std::move(*result), path, *this);
  return status;
}

}  // namespace penstock::table
