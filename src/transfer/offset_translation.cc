// SPDX-License-Identifier: Apache-2.0
#include "transfer/offset_translation.h"

#include <algorithm>

#include "base/check.h"

namespace penstock::transfer {

OffsetTranslation::OffsetTranslation(std::vector<std::int64_t> wanted) {
  std::ranges::sort(wanted);
  const auto repeated = std::ranges::unique(wanted);
  wanted.erase(repeated.begin(), repeated.end());
  for (const std::int64_t offset : wanted) places_.push_back({offset, 0, -1});
}

void OffsetTranslation::source(std::int64_t offset) {
  for (; next_source_ < places_.size() && places_[next_source_].source <= offset; ++next_source_)
    places_[next_source_].index = sources_;
  ++sources_;
}

void OffsetTranslation::source_end() {
  for (; next_source_ < places_.size(); ++next_source_) places_[next_source_].index = sources_;
}

void OffsetTranslation::target(std::int64_t offset) {
  for (; next_target_ < places_.size() && places_[next_target_].index == targets_; ++next_target_)
    places_[next_target_].target = offset;
  ++targets_;
}

void OffsetTranslation::target_end(std::int64_t offset) {
  for (; next_target_ < places_.size(); ++next_target_) places_[next_target_].target = offset;
}

std::int64_t OffsetTranslation::translate(std::int64_t source_offset) const {
  const auto place = std::ranges::lower_bound(places_, source_offset, {}, &Place::source);
  CHECK(place != places_.end() && place->source == source_offset, "only wanted offsets are known");
  return place->target;
}

}  // namespace penstock::transfer
