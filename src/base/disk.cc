// SPDX-License-Identifier: Apache-2.0
#include "base/disk.h"

#include "base/bytes_filled.h"

namespace penstock {

Result<Bytes> File::read_exactly(std::uint64_t at, std::size_t bytes) const {
  Result<std::size_t> got = 0;
  Bytes out = bytes_filled(bytes, [&](char* to) {
    got = read(at, to, bytes);
    return got.value_or(0);
  });
  if (TRY(got) != bytes) {
    return fail(Code::Corrupt, "{} ends at byte {}, but {} bytes from {} are needed", path(),
                at + *got, bytes, at);
  }
  return out;
}

Result<Bytes> Disk::read_all(const std::string& path) {
  const std::shared_ptr<File> file = TRY(open(path, OpenFile::Read));
  return file->read_exactly(0, TRY(file->size()));
}

Result<void> Disk::replace(const std::string& path, BytesView bytes) {
  const std::string fresh = path + ".tmp";
  const std::shared_ptr<File> file = TRY(open(fresh, OpenFile::Create));
  TRY(file->truncate(0));
  TRY(file->write(0, bytes));
  TRY(file->sync());
  TRY(rename(fresh, path));
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return sync_dir(".");
  return sync_dir(slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace penstock
