// SPDX-License-Identifier: Apache-2.0
// The whole broker over real sockets and a real disk, driven by kcat.
#include "broker/broker.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/uuid.h"

namespace penstock::broker {
namespace {

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("penstock-broker-" + Uuid::random().text())) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// Standard output of a command, which must succeed.
std::string run(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  for (std::size_t bytes; (bytes = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.append(buffer.data(), bytes);
  EXPECT_EQ(pclose(pipe), 0) << command << "\n" << output;
  return output;
}

class WholeBroker : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/usr/bin/kcat", X_OK) != 0) GTEST_SKIP() << "kcat is not installed";
    start();
  }
  void start() {
    broker_.reset();
    auto opened = Broker::open({}, folder_.file("data"), loops_.at(0), pool_, metrics_);
    ASSERT_TRUE(opened) << opened.error().message;
    broker_ = std::move(*opened);
    const auto listening =
        broker_->listen({{"PLAINTEXT", {{"127.0.0.1", 0}, std::nullopt}},
                         {"INTERNAL", {{"127.0.0.1", 0}, net::Address{"localhost", 0}}}});
    ASSERT_TRUE(listening) << listening.error().message;
  }
  std::string kcat(const std::string& arguments, const std::string& input = "",
                   const std::string& listener = "PLAINTEXT") {
    const std::string stdin_file = folder_.file("stdin");
    std::ofstream(stdin_file) << input;
    return run("timeout 30 kcat -b " + broker_->addresses().at(listener).text() + " " + arguments +
               " < " + stdin_file + " 2>/dev/null");
  }

  Folder folder_;
  net::Loops loops_{1, "broker"};
  net::BlockingPool pool_{2, "disk"};
  Metrics metrics_;
  std::unique_ptr<Broker> broker_;
};

TEST_F(WholeBroker, RecordsGoInAndOutAndSurviveARestart) {
  kcat("-P -t users -X acks=all", "one\ntwo\nthree\n");
  EXPECT_EQ(kcat("-C -t users -e -q"), "one\ntwo\nthree\n");
  kcat("-P -t users -X enable.idempotence=true -z gzip", "four\n");
  start();
  EXPECT_EQ(kcat("-C -t users -e -q -o beginning -f '%o:%s\\n'"),
            "0:one\n1:two\n2:three\n3:four\n");
  EXPECT_EQ(kcat("-Q -t users:0:-1"), "users [0] offset 4\n");
}

TEST_F(WholeBroker, EachListenerAdvertisesItself) {
  const auto internal = broker_->addresses().at("INTERNAL");
  EXPECT_EQ(broker_->advertised().at("INTERNAL").text(),
            "localhost:" + std::to_string(internal.port));
  EXPECT_NE(kcat("-L -J", "", "INTERNAL").find("localhost:" + std::to_string(internal.port)),
            std::string::npos);
  EXPECT_NE(kcat("-L -J").find(broker_->addresses().at("PLAINTEXT").text()), std::string::npos);
}

TEST_F(WholeBroker, ConsumerGroupGoesOnWhereItCommittedAlsoAfterARestart) {
  kcat("-P -t users", "one\ntwo\n");
  const std::string group = "-G workers -X auto.offset.reset=earliest -e -q users";
  EXPECT_EQ(kcat(group), "one\ntwo\n");
  start();
  kcat("-P -t users", "three\n");
  EXPECT_EQ(kcat(group), "three\n");
  EXPECT_NE(metrics_.text().find("penstock_kafka_requests_total{api=\"OffsetCommit\"}"),
            std::string::npos);
}

TEST_F(WholeBroker, TakenAddressIsNamedAndNothingIsLeftOpen) {
  auto second = Broker::open({}, folder_.file("other"), loops_.at(0), pool_, metrics_);
  ASSERT_TRUE(second);
  const auto taken = broker_->addresses().at("PLAINTEXT");
  const auto listening =
      (*second)->listen({{"A", {{"127.0.0.1", 0}, std::nullopt}}, {"B", {taken, std::nullopt}}});
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, Code::Conflict);
  EXPECT_NE(listening.error().message.find("listener B"), std::string::npos);
}

}  // namespace
}  // namespace penstock::broker
