// SPDX-License-Identifier: Apache-2.0
#include "main/banner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace penstock::main_room {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Banner banner() {
  return {.at = {.pid = 7,
                 .kafka = {{"PLAINTEXT", "127.0.0.1:4711"}},
                 .cassandra = "127.0.0.1:4712",
                 .console = "127.0.0.1:4713"},
          .data_dir = "data",
          .pipelines = 1,
          .program = "build/penstock",
          .bootstrap_servers = "127.0.0.1:4711",
          .contact_points = {"127.0.0.1:4712"},
          .sample = Sample{.topic = "orders", .group = "g", .table = "shop.orders"}};
}

TEST(Banner, CommandsNameTheAddressesOnlyWhenTheyMust) {
  Banner shown = banner();
  EXPECT_THAT(shown.text(), AllOf(HasSubstr("\n  build/penstock produce --topic orders\n"),
                                  HasSubstr("\n  build/penstock group describe g\n")));
  shown.name_addresses = true;
  EXPECT_THAT(
      shown.text(),
      AllOf(HasSubstr("\n  build/penstock produce -b 127.0.0.1:4711 --topic orders\n"),
            HasSubstr("\n  build/penstock cql --contact-points 127.0.0.1:4712 -e 'SELECT * FROM "
                      "shop.orders LIMIT 5'\n")));
}

TEST(Banner, RealOnesAreSaidToBeReal) {
  Banner shown = banner();
  shown.at = {.pid = 7, .kafka = {}, .cassandra = "", .console = "127.0.0.1:1"};
  shown.contact_points = {"c1:9042", "c2:9042"};
  EXPECT_THAT(shown.text(), AllOf(HasSubstr("Kafka    127.0.0.1:4711 (real)"),
                                  HasSubstr("CQL      c1:9042,c2:9042 (real)")));
}

TEST(Banner, WithoutAPipelineThereIsStillSomethingToTry) {
  Banner shown = banner();
  shown.sample.reset();
  EXPECT_THAT(shown.text(),
              AllOf(HasSubstr("build/penstock topic list"), Not(HasSubstr("SELECT"))));
}

TEST(Banner, SampleIsAPipelineOnTheAddressesOfTheConfiguration) {
  stream::PipelineSpec far;
  far.source = {.bootstrap_servers = "elsewhere:9092", .topics = {"a"}, .group = "a"};
  far.sinks = {stream::CassandraSink{.keyspace = "k", .table = "a"}};
  stream::PipelineSpec near = far;
  near.source = {.topics = {"b", "c"}, .group = "b"};
  EXPECT_FALSE(sample_of({}));
  EXPECT_FALSE(sample_of({far}));
  EXPECT_EQ(sample_of({far, near})->topic, "b");
}

TEST(ShellWord, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(shell_word("build/release/penstock"), "build/release/penstock");
  EXPECT_EQ(shell_word("/my files/it's"), "'/my files/it'\\''s'");
  EXPECT_EQ(shell_word("~x"), "'~x'");
}

TEST(ProgramInShell, LeadsToThisProgram) {
  const std::string program = program_in_shell();
  EXPECT_NE(program.find('/'), std::string::npos) << "a test is not on PATH";
  EXPECT_TRUE(std::filesystem::equivalent(program, "/proc/self/exe")) << program;
}

}  // namespace
}  // namespace penstock::main_room
