// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/bytes_filled.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/function.h"
#include "base/metrics.h"
#include "base/named.h"
#include "base/nearest.h"
#include "base/result.h"
#include "base/uuid.h"

namespace penstock {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail(Code::InvalidArgument, "{} is odd", n);
  return n / 2;
}
Result<int> quarter(int n) {
  return TRY(half(TRY_WITH(half(n), "first half")));
}

TEST(Result, TryPassesTheErrorOnWithItsContext) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(7).error().message, "first half: 7 is odd");
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
}

TEST(Result, FullDiskIsItsOwnCode) {
  EXPECT_EQ(system_error(ENOSPC, "write").code, Code::NoSpace);
  EXPECT_EQ(system_error(EIO, "write").code, Code::Io);
}

TEST(Bytes, BigEndianRoundTrip) {
  Bytes out;
  append_be<std::int64_t>(out, -2);
  append_be<std::uint16_t>(out, 0x1234);
  EXPECT_EQ(hex(out), "ff ff ff ff ff ff ff fe 12 34");
  EXPECT_EQ(load_be<std::int64_t>(out.data()), -2);
  EXPECT_EQ(load_be<std::uint16_t>(out.data() + 8), 0x1234);
}

TEST(Bytes, FilledWithWhatWasWrittenAndNoMore) {
  const auto fill = [](std::size_t wrote) {
    return [wrote](char* to) {
      std::memset(to, 'x', wrote);
      return wrote;
    };
  };
  EXPECT_EQ(bytes_filled(100'000, fill(100'000)), Bytes(100'000, 'x'));
  EXPECT_EQ(bytes_filled(100'000, fill(3)), "xxx");
  EXPECT_EQ(bytes_filled(0, fill(0)), "");
}

TEST(Crc32c, StandardCheckValue) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
}

TEST(Named, CountsAndPrints) {
  using Offset = Named<std::int64_t, struct OffsetTag>;
  EXPECT_EQ(Offset(5) + 2, Offset(7));
  EXPECT_EQ(Offset(7) - Offset(5), 2);
  EXPECT_EQ(fmt::format("{}", Offset(7)), "7");
}

TEST(Function, OwnsWhatItNeeds) {
  Function<int(int)> add = [n = std::make_unique<int>(4)](int x) { return x + *n; };
  Function<int(int)> moved = std::move(add);
  EXPECT_EQ(moved(3), 7);
}

TEST(FakeClock, MovesOnlyWhenTold) {
  FakeClock clock;
  const auto before = clock.now();
  clock.advance(Millis(5));
  EXPECT_EQ(clock.now() - before, Millis(5));
}

TEST(Uuid, TextRoundTripAndRefusals) {
  const Uuid id = Uuid::random();
  EXPECT_EQ(Uuid::parse(id.text()), id);
  EXPECT_FALSE(Uuid::parse("nope"));
  EXPECT_FALSE(Uuid::parse("zz32b130-ae79-11e4-ab27-0800200c9a66"));
}

TEST(Nearest, SuggestsASlipAndNothingForAStranger) {
  const std::vector<std::string> known{"kafka", "cassandra", "console"};
  EXPECT_EQ(did_you_mean("kafak", known), "; did you mean 'kafka'?");
  EXPECT_EQ(did_you_mean("Consle", known), "; did you mean 'console'?");
  EXPECT_EQ(did_you_mean("pipelines", known), "");
}

TEST(Metrics, TextShowsTheSum) {
  Metrics metrics;
  metrics.counter("rows_total", "Rows.", {{"sink", "a"}}).add(2);
  metrics.counter("rows_total", "Rows.", {{"sink", "a"}}).add(3);
  EXPECT_NE(metrics.text().find("rows_total{sink=\"a\"} 5"), std::string::npos) << metrics.text();
}

}  // namespace
}  // namespace penstock
