// SPDX-License-Identifier: Apache-2.0
#include "base/forgetful_disk.h"

#include <algorithm>
#include <utility>

namespace penstock {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}
std::string plain(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}
bool inside(const std::string& path, const std::string& dir) {
  if (dir == "/") return path.size() > 1;
  return path.size() > dir.size() + 1 && path.compare(0, dir.size(), dir) == 0 &&
         path[dir.size()] == '/';
}

}  // namespace

struct ForgetfulDisk::Inode {
  struct Change {
    bool truncates = false;
    std::uint64_t at = 0;  // the new size, when it truncates
    Bytes bytes;
  };

  static void apply(Bytes& content, const Change& change, std::size_t bytes_max) {
    if (change.truncates) return content.resize(change.at);
    const std::size_t size = std::min(bytes_max, change.bytes.size());
    if (content.size() < change.at + size) content.resize(change.at + size);
    content.replace(change.at, size, change.bytes, 0, size);
  }

  bool is_dir = false;
  Bytes content;
  Bytes durable;
  std::vector<Change> unsynced;
};

class ForgetfulDisk::MemoryFile final : public File {
 public:
  MemoryFile(ForgetfulDisk& disk, std::shared_ptr<Inode> inode, std::string path, int life)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), life_(life) {}

  const std::string& path() const override { return path_; }

  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(alive());
    return inode_->content.size();
  }

  Result<std::size_t> read(std::uint64_t at, char* to, std::size_t bytes) const override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(alive());
    TRY(disk_.take_fault(Call::Read, path_));
    if (at >= inode_->content.size()) return 0;
    const std::size_t size = std::min(bytes, inode_->content.size() - at);
    inode_->content.copy(to, size, at);
    disk_.bytes_read_[path_] += size;
    return size;
  }

  Result<void> write(std::uint64_t at, std::span<const BytesView> pieces) override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(alive());
    Inode::Change change{.truncates = false, .at = at, .bytes = {}};
    for (const BytesView piece : pieces) change.bytes += piece;
    Result<void> result = disk_.take_fault(Call::Write, path_);
    if (!result) change.bytes.resize(change.bytes.size() / 2);
    const std::uint64_t size = inode_->content.size();
    const std::uint64_t grows = std::max(size, at + change.bytes.size()) - size;
    const std::uint64_t room = disk_.capacity_ - std::min(disk_.capacity_, disk_.used_);
    if (grows > room) {
      change.bytes.resize(change.bytes.size() - (grows - room));
      result = fail(system_error(ENOSPC, "writing " + path_));
    }
    disk_.used_ -= size;
    Inode::apply(inode_->content, change, change.bytes.size());
    disk_.used_ += inode_->content.size();
    inode_->unsynced.push_back(std::move(change));
    return result;
  }

  Result<void> truncate(std::uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(alive());
    disk_.used_ += size - inode_->content.size();
    inode_->content.resize(size);
    inode_->unsynced.push_back({.truncates = true, .at = size, .bytes = {}});
    return {};
  }

  Result<void> sync() override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(alive());
    TRY(disk_.take_fault(Call::Sync, path_));
    inode_->durable = inode_->content;
    inode_->unsynced.clear();
    ++disk_.syncs_;
    return {};
  }

 private:
  Result<void> alive() const {
    if (life_ != disk_.lives_) return fail(Code::Io, "{}: opened before the power cut", path_);
    return {};
  }

  ForgetfulDisk& disk_;
  std::shared_ptr<Inode> inode_;
  std::string path_;
  int life_;
};

ForgetfulDisk::ForgetfulDisk() {
  auto root = std::make_shared<Inode>();
  root->is_dir = true;
  live_["/"] = durable_["/"] = std::move(root);
}
ForgetfulDisk::~ForgetfulDisk() = default;

Result<std::shared_ptr<File>> ForgetfulDisk::open(const std::string& path, OpenFile mode) {
  const std::lock_guard lock(mutex_);
  auto found = live_.find(path);
  if (found == live_.end()) {
    if (mode != OpenFile::Create || !live_.contains(parent_of(path))) {
      return fail(system_error(ENOENT, "opening " + path));
    }
    found = live_.emplace(path, std::make_shared<Inode>()).first;
  }
  if (found->second->is_dir) return fail(system_error(EISDIR, "opening " + path));
  return std::make_shared<MemoryFile>(*this, found->second, path, lives_);
}

bool ForgetfulDisk::exists(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return live_.contains(plain(path));
}

bool ForgetfulDisk::is_dir(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(plain(path));
  return found != live_.end() && found->second->is_dir;
}

Result<std::vector<std::string>> ForgetfulDisk::list(const std::string& dir) const {
  const std::lock_guard lock(mutex_);
  if (!live_.contains(plain(dir))) return fail(system_error(ENOENT, "listing " + dir));
  std::vector<std::string> names;
  for (const auto& [path, inode] : live_) {
    if (path != "/" && parent_of(path) == plain(dir))
      names.push_back(path.substr(path.rfind('/') + 1));
  }
  return names;
}

Result<void> ForgetfulDisk::make_dirs(const std::string& dir) {
  const std::lock_guard lock(mutex_);
  for (std::string path = plain(dir); path != "/"; path = parent_of(path)) {
    auto& inode = live_[path];
    if (inode != nullptr && !inode->is_dir)
      return fail(system_error(ENOTDIR, "creating directory " + dir));
    if (inode == nullptr) inode = std::make_shared<Inode>();
    inode->is_dir = true;
  }
  return {};
}

Result<void> ForgetfulDisk::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(plain(from));
  if (found == live_.end()) return fail(system_error(ENOENT, "renaming " + from));
  std::map<std::string, std::shared_ptr<Inode>> moved;
  for (auto entry = live_.begin(); entry != live_.end();) {
    if (entry->first == plain(from) || inside(entry->first, plain(from))) {
      moved[plain(to) + entry->first.substr(plain(from).size())] = entry->second;
      entry = live_.erase(entry);
    } else {
      ++entry;
    }
  }
  for (auto& [path, inode] : moved) live_[path] = inode;
  return {};
}

Result<void> ForgetfulDisk::remove(const std::string& file) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(file);
  if (found == live_.end()) return fail(system_error(ENOENT, "removing " + file));
  used_ -= found->second->content.size();
  live_.erase(found);
  return {};
}

Result<void> ForgetfulDisk::remove_tree(const std::string& dir) {
  const std::lock_guard lock(mutex_);
  std::erase_if(live_, [&](const auto& entry) {
    const bool goes = entry.first == plain(dir) || inside(entry.first, plain(dir));
    if (goes) used_ -= entry.second->content.size();
    return goes;
  });
  return {};
}

Result<void> ForgetfulDisk::sync_dir(const std::string& dir) {
  const std::lock_guard lock(mutex_);
  TRY(take_fault(Call::SyncDir, dir));
  const std::string of = plain(dir);
  std::set<const Inode*> was_durable;
  for (const auto& [path, inode] : durable_) was_durable.insert(inode.get());
  // What left the directory is gone, with what was in it...
  std::erase_if(durable_, [&](const auto& entry) {
    std::string child = entry.first;
    while (child != "/" && parent_of(child) != of) child = parent_of(child);
    return child != "/" && !live_.contains(child);
  });
  // ... and what came by rename brings what was durable in it.
  for (const auto& [path, inode] : live_) {
    const bool direct = path != "/" && parent_of(path) == of;
    if (direct || (inside(path, of) && was_durable.contains(inode.get()))) durable_[path] = inode;
  }
  return {};
}

Result<std::uint64_t> ForgetfulDisk::free_bytes(const std::string&) const {
  const std::lock_guard lock(mutex_);
  return capacity_ - std::min(capacity_, used_);
}

void ForgetfulDisk::power_cut(Unsynced unsynced, std::mt19937& random) {
  const std::lock_guard lock(mutex_);
  std::set<Inode*> seen;
  used_ = 0;
  for (auto& [path, inode] : durable_) {
    if (!seen.insert(inode.get()).second) continue;
    Bytes after = inode->durable;
    bool stopped = unsynced == Unsynced::Lost;
    for (const auto& change : inode->unsynced) {
      if (stopped) break;
      const auto fate = random() % 4;  // 0: missing, 1: torn, else whole
      if (unsynced == Unsynced::Prefix && fate == 0) break;
      const std::size_t size =
          fate == 1 ? random() % (change.bytes.size() + 1) : change.bytes.size();
      if (fate != 0) Inode::apply(after, change, size);
      stopped = unsynced == Unsynced::Prefix && fate == 1;
    }
    inode->content = inode->durable = std::move(after);
    inode->unsynced.clear();
    used_ += inode->content.size();
  }
  live_ = durable_;
  faults_.clear();
  ++lives_;
}

void ForgetfulDisk::fail_call(Call call, int n, int error_number) {
  const std::lock_guard lock(mutex_);
  faults_[call] = {n, error_number};
}

void ForgetfulDisk::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t ForgetfulDisk::bytes_read(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = bytes_read_.find(path);
  return found == bytes_read_.end() ? 0 : found->second;
}

std::uint64_t ForgetfulDisk::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

Result<void> ForgetfulDisk::take_fault(Call call, const std::string& path) {
  const auto fault = faults_.find(call);
  if (fault == faults_.end() || --fault->second.first > 0) return {};
  const int error_number = fault->second.second;
  faults_.erase(fault);
  return fail(system_error(error_number, path));
}

}  // namespace penstock
