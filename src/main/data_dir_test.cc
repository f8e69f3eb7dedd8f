// SPDX-License-Identifier: Apache-2.0
#include "main/data_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock::main_room {
namespace {

using testing::HasSubstr;

struct TemporaryDir {
  TemporaryDir() {
    std::string name = testing::TempDir() + "penstock_XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~TemporaryDir() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

TEST(DataDirLock, SecondOneIsRefusedWithThePidOfTheFirst) {
  const TemporaryDir dir;
  {
    const auto first = DataDirLock::take(dir.path / "data");
    ASSERT_TRUE(first) << first.error().message;
    const auto second = DataDirLock::take(dir.path / "data");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Conflict);
    EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(::getpid())));
  }
  EXPECT_TRUE(DataDirLock::take(dir.path / "data")) << "let go with the first";
}

TEST(Endpoints, WrittenOnesAreReadWhileTheProcessLives) {
  const TemporaryDir dir;
  EXPECT_FALSE(Endpoints::read(dir.path));
  Endpoints endpoints{.pid = ::getpid(),
                      .kafka = {{"A", "127.0.0.1:1"}},
                      .cassandra = "127.0.0.1:2",
                      .console = "127.0.0.1:3"};
  ASSERT_TRUE(endpoints.write(dir.path));
  const auto read = Endpoints::read(dir.path);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->json(), endpoints.json());
  EXPECT_THAT(
      endpoints.json(),
      HasSubstr(
          R"("kafka":{"A":"127.0.0.1:1"},"cassandra":"127.0.0.1:2","console":"127.0.0.1:3")"));
  Endpoints::remove(dir.path);
  EXPECT_FALSE(Endpoints::read(dir.path));
}

TEST(Endpoints, ThoseOfADeadProcessDoNotCount) {
  const TemporaryDir dir;
  const int child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_TRUE(
      (Endpoints{.pid = child, .kafka = {}, .cassandra = {}, .console = {}}.write(dir.path)));
  EXPECT_FALSE(Endpoints::read(dir.path));
}

}  // namespace
}  // namespace penstock::main_room
