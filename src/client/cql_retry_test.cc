// SPDX-License-Identifier: Apache-2.0
#include "client/cql_retry.h"

#include <gtest/gtest.h>

#include <optional>

namespace penstock::client {
namespace {

TEST(CqlRetry, TableOfTheMatureDrivers) {
  const auto decide = [](cql::ErrorCode code, bool idempotent, int attempt = 0) {
    cql::ErrorResponse error;
    error.code = code;
    error.received = error.required = 1;
    return decide_retry(error, idempotent, cql::Consistency::One, attempt, 6);
  };
  using cql::ErrorCode;
  EXPECT_EQ(decide(ErrorCode::IsBootstrapping, false), RetryAction::NextNode);
  EXPECT_EQ(decide(ErrorCode::Unavailable, false), RetryAction::NextNode);
  EXPECT_EQ(decide(ErrorCode::Unavailable, false, 1), RetryAction::Fail);
  EXPECT_EQ(decide(ErrorCode::ReadTimeout, false), RetryAction::SameNode);
  EXPECT_EQ(decide(ErrorCode::ReadTimeout, false, 1), RetryAction::Fail);
  EXPECT_EQ(decide(ErrorCode::ReadTimeout, true, 1), RetryAction::NextNode);
  EXPECT_EQ(decide(ErrorCode::ReadFailure, false), RetryAction::Fail);
  EXPECT_EQ(decide(ErrorCode::ReadFailure, true), RetryAction::NextNode);
  EXPECT_EQ(decide(ErrorCode::WriteTimeout, false), RetryAction::Fail);
  EXPECT_EQ(decide(ErrorCode::WriteTimeout, true), RetryAction::SameNode);
  EXPECT_EQ(decide(ErrorCode::Overloaded, false), RetryAction::Fail);
  EXPECT_EQ(decide(ErrorCode::Overloaded, true), RetryAction::NextNode);
  for (const ErrorCode never :
       {ErrorCode::SyntaxError, ErrorCode::Invalid, ErrorCode::ConfigError, ErrorCode::Unauthorized,
        ErrorCode::AlreadyExists, ErrorCode::WriteFailure}) {
    EXPECT_EQ(decide(never, true), RetryAction::Fail) << cql::name(never);
  }
  EXPECT_EQ(decide(ErrorCode::Overloaded, true, 5), RetryAction::Fail);
  EXPECT_EQ(decide_retry(std::nullopt, true, cql::Consistency::One, 0, 6), RetryAction::NextNode);
  EXPECT_EQ(decide_retry(std::nullopt, true, cql::Consistency::Serial, 0, 6), RetryAction::Fail);
  EXPECT_EQ(decide_retry(std::nullopt, false, cql::Consistency::One, 0, 6), RetryAction::Fail);
}

TEST(CqlRetry, AReadThatTooFewReplicasAnsweredIsTriedElsewhere) {
  cql::ErrorResponse error;
  error.code = cql::ErrorCode::ReadTimeout;
  error.received = 1;
  error.required = 2;
  error.data_present = true;
  const auto decide = [&](bool idempotent, int attempt) {
    return decide_retry(error, idempotent, cql::Consistency::Quorum, attempt, 6);
  };
  EXPECT_EQ(decide(true, 0), RetryAction::NextNode);
  EXPECT_EQ(decide(true, 5), RetryAction::Fail);
  EXPECT_EQ(decide(false, 0), RetryAction::Fail);
}

}  // namespace
}  // namespace penstock::client
