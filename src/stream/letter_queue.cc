// SPDX-License-Identifier: Apache-2.0
#include "stream/letter_queue.h"

#include <iterator>
#include <utility>

#include "base/check.h"

namespace penstock::stream {
namespace {

LetterBody shorter(LetterBody body) {
  return body == LetterBody::Whole ? LetterBody::WithoutValue : LetterBody::PlaceOnly;
}

}  // namespace

void LetterQueue::add(std::vector<DeadLetter> letters) {
  together_.insert(together_.end(), std::move_iterator(letters.begin()),
                   std::move_iterator(letters.end()));
}

std::vector<DeadLetter> LetterQueue::next() const {
  if (!together_.empty() || alone_.empty()) return together_;
  return {alone_.front()};
}

LetterQueue::Outcome LetterQueue::answered(const std::vector<Result<void>>& results) {
  std::vector<DeadLetter> sent = std::exchange(together_, {});
  if (sent.empty()) {
    CHECK(!alone_.empty(), "a letter is under way");
    sent.push_back(std::move(alone_.front()));
    alone_.pop_front();
  }
  CHECK(sent.size() == results.size(), "one result a letter");
  const bool was_alone = sent.size() == 1;
  Outcome out;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    DeadLetter& letter = sent[i];
    if (results[i]) {
      ++out.acknowledged;
      if (letter.body != LetterBody::Whole) out.shortened.push_back(std::move(letter));
      continue;
    }
    const Error& error = results[i].error();
    if (error.code != Code::TooLarge) {
      out.error = error;
      if (was_alone) {
        alone_.push_front(std::move(letter));
      } else {
        together_.push_back(std::move(letter));
      }
      continue;
    }
    if (was_alone && letter.body == LetterBody::PlaceOnly) out.error = error;
    if (was_alone) letter.body = shorter(letter.body);
    alone_.push_back(std::move(letter));
  }
  return out;
}

}  // namespace penstock::stream
