// SPDX-License-Identifier: Apache-2.0
#include "base/disk.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/forgetful_disk.h"
#include "base/uuid.h"

namespace penstock {
namespace {

struct ScratchDir {
  ScratchDir() { std::filesystem::create_directories(path); }
  ~ScratchDir() { std::filesystem::remove_all(path); }
  std::string path =
      std::filesystem::temp_directory_path() / ("penstock-disk-" + Uuid::random().text());
};

// What every disk promises, asked of both.
void keeps_the_contract(Disk& disk, const std::string& dir) {
  ASSERT_TRUE(disk.make_dirs(dir + "/a/b"));
  EXPECT_TRUE(disk.is_dir(dir + "/a"));
  EXPECT_EQ(disk.open(dir + "/none", OpenFile::Read).error().code, Code::NotFound);
  EXPECT_EQ(disk.open(dir + "/none", OpenFile::Write).error().code, Code::NotFound);

  const std::shared_ptr<File> file = disk.open(dir + "/a/file", OpenFile::Create).value();
  std::vector<BytesView> pieces(200, "ab");
  ASSERT_TRUE(file->write(0, pieces));
  ASSERT_TRUE(file->write(398, "xyz"));
  EXPECT_EQ(file->size().value(), 401);
  EXPECT_EQ(file->read_exactly(396, 5).value(), "abxyz");
  EXPECT_EQ(file->read_exactly(400, 2).error().code, Code::Corrupt);
  ASSERT_TRUE(file->truncate(399));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(disk.read_all(dir + "/a/file")->size(), 399);

  ASSERT_TRUE(disk.replace(dir + "/a/file", "new"));
  EXPECT_EQ(disk.read_all(dir + "/a/file").value(), "new");
  ASSERT_TRUE(disk.rename(dir + "/a", dir + "/c"));
  EXPECT_EQ(disk.list(dir + "/c").value(), (std::vector<std::string>{"b", "file"}));
  ASSERT_TRUE(disk.remove(dir + "/c/file"));
  EXPECT_FALSE(disk.exists(dir + "/c/file"));
  ASSERT_TRUE(disk.remove_tree(dir + "/c"));
  EXPECT_FALSE(disk.exists(dir + "/c"));
  EXPECT_GT(disk.free_bytes(dir).value(), 0);
  ASSERT_TRUE(disk.sync_dir(dir));
}

TEST(Disk, PosixKeepsTheContract) {
  const ScratchDir scratch;
  keeps_the_contract(posix_disk(), scratch.path);
}
TEST(Disk, ForgetfulKeepsTheContract) {
  ForgetfulDisk disk;
  keeps_the_contract(disk, "/data");
}

TEST(ForgetfulDisk, PowerCutForgetsUnsyncedBytesAndNames) {
  ForgetfulDisk disk;
  std::mt19937 random(1);
  ASSERT_TRUE(disk.make_dirs("/d"));
  ASSERT_TRUE(disk.sync_dir("/"));
  const auto kept = disk.open("/d/kept", OpenFile::Create).value();
  const auto nameless = disk.open("/d/nameless", OpenFile::Create).value();
  ASSERT_TRUE(kept->write(0, "synced"));
  ASSERT_TRUE(kept->sync());
  ASSERT_TRUE(disk.remove("/d/nameless"));
  ASSERT_TRUE(disk.sync_dir("/d"));
  ASSERT_TRUE(kept->write(6, " and not"));
  const auto late = disk.open("/d/late", OpenFile::Create).value();
  ASSERT_TRUE(late->write(0, "x"));
  ASSERT_TRUE(late->sync());

  disk.power_cut(ForgetfulDisk::Unsynced::Lost, random);
  EXPECT_FALSE(kept->write(0, "stale handle"));
  EXPECT_EQ(disk.read_all("/d/kept").value(), "synced");
  EXPECT_EQ(disk.list("/d").value(), std::vector<std::string>{"kept"});
}

TEST(ForgetfulDisk, ReplaceLeavesOldOrNewAfterAPowerCut) {
  for (int n = 1; n <= 3; ++n) {
    ForgetfulDisk disk;
    std::mt19937 random(static_cast<unsigned>(n));
    ASSERT_TRUE(disk.replace("/f", "old"));
    disk.fail_call(n == 1   ? ForgetfulDisk::Call::Write
                   : n == 2 ? ForgetfulDisk::Call::Sync
                            : ForgetfulDisk::Call::SyncDir,
                   1);
    EXPECT_FALSE(disk.replace("/f", "fresh"));
    disk.power_cut(ForgetfulDisk::Unsynced::AnySubset, random);
    EXPECT_EQ(disk.read_all("/f").value(), "old");
  }
}

TEST(ForgetfulDisk, FullDiskWritesWhatFitsAndRecoversWhenThereIsRoom) {
  ForgetfulDisk disk;
  disk.set_capacity(10);
  const auto file = disk.open("/f", OpenFile::Create).value();
  ASSERT_TRUE(file->write(0, "12345678"));
  EXPECT_EQ(file->write(8, "abcd").error().code, Code::NoSpace);
  EXPECT_EQ(file->size().value(), 10);
  ASSERT_TRUE(file->truncate(8));
  ASSERT_TRUE(file->write(8, "ab"));
}

}  // namespace
}  // namespace penstock
