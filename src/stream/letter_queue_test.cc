// SPDX-License-Identifier: Apache-2.0
#include "stream/letter_queue.h"

#include <gtest/gtest.h>

namespace penstock::stream {
namespace {

std::vector<DeadLetter> letters_at(std::initializer_list<std::int64_t> offsets) {
  std::vector<DeadLetter> out;
  for (const std::int64_t offset : offsets) {
    out.emplace_back();
    out.back().record.offset = offset;
  }
  return out;
}

std::vector<std::int64_t> offsets_of(const std::vector<DeadLetter>& letters) {
  std::vector<std::int64_t> out;
  for (const DeadLetter& letter : letters) out.push_back(letter.record.offset);
  return out;
}

using Offsets = std::vector<std::int64_t>;
const Result<void> kFine;
const Result<void> kTooLarge = fail(Code::TooLarge, "Broker: Message size too large");
const Result<void> kAway = fail(Code::Unavailable, "broker away");

TEST(LetterQueue, AllGoTogetherAndAreGoneWhenAcknowledged) {
  LetterQueue queue;
  EXPECT_TRUE(queue.empty());
  queue.add(letters_at({1, 2}));
  queue.add(letters_at({3}));
  EXPECT_EQ(offsets_of(queue.next()), (Offsets{1, 2, 3}));
  const auto outcome = queue.answered({kFine, kFine, kFine});
  EXPECT_EQ(outcome.acknowledged, 3U);
  EXPECT_FALSE(outcome.error);
  EXPECT_TRUE(outcome.shortened.empty());
  EXPECT_TRUE(queue.empty());
}

TEST(LetterQueue, OnlyWhatFailedGoesAgain) {
  LetterQueue queue;
  queue.add(letters_at({1, 2, 3}));
  const auto outcome = queue.answered({kAway, kFine, kAway});
  EXPECT_EQ(outcome.acknowledged, 1U);
  EXPECT_EQ(outcome.error->code, Code::Unavailable);
  EXPECT_EQ(offsets_of(queue.next()), (Offsets{1, 3}));
}

TEST(LetterQueue, ALetterRefusedForItsNeighboursGoesAloneAndWhole) {
  LetterQueue queue;
  queue.add(letters_at({1, 2}));
  EXPECT_FALSE(queue.answered({kTooLarge, kTooLarge}).error);
  ASSERT_EQ(offsets_of(queue.next()), Offsets{1});
  EXPECT_EQ(queue.next()[0].body, LetterBody::Whole);
  EXPECT_TRUE(queue.answered({kFine}).shortened.empty());
  EXPECT_EQ(offsets_of(queue.next()), Offsets{2});
}

TEST(LetterQueue, ALetterTooLargeAloneLosesItsValueThenTheRest) {
  LetterQueue queue;
  queue.add(letters_at({7}));
  ASSERT_FALSE(queue.answered({kTooLarge}).error);
  EXPECT_EQ(queue.next()[0].body, LetterBody::WithoutValue);
  ASSERT_FALSE(queue.answered({kTooLarge}).error);
  EXPECT_EQ(queue.next()[0].body, LetterBody::PlaceOnly);
  const auto outcome = queue.answered({kFine});
  EXPECT_EQ(outcome.acknowledged, 1U);
  EXPECT_EQ(offsets_of(outcome.shortened), Offsets{7});
  EXPECT_TRUE(queue.empty());
}

TEST(LetterQueue, ATransientFailureDoesNotShorten) {
  LetterQueue queue;
  queue.add(letters_at({1, 2}));
  static_cast<void>(queue.answered({kTooLarge, kFine}));
  EXPECT_EQ(queue.answered({kAway}).error->code, Code::Unavailable);
  ASSERT_EQ(offsets_of(queue.next()), Offsets{1});
  EXPECT_EQ(queue.next()[0].body, LetterBody::Whole);
}

TEST(LetterQueue, ATopicThatTakesNothingIsWaitedForWithAnError) {
  LetterQueue queue;
  queue.add(letters_at({1}));
  static_cast<void>(queue.answered({kTooLarge}));
  static_cast<void>(queue.answered({kTooLarge}));
  EXPECT_EQ(queue.answered({kTooLarge}).error->code, Code::TooLarge);
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(queue.answered({kFine}).acknowledged, 1U);
}

}  // namespace
}  // namespace penstock::stream
