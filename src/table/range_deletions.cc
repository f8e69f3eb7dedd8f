// SPDX-License-Identifier: Apache-2.0
#include "table/range_deletions.h"

#include <algorithm>
#include <map>
#include <set>

namespace penstock::table {

void RangeDeletions::clear() {
  ranges_.clear();
  pieces_.clear();
}

void RangeDeletions::add(ClusteringRange range, const Deletion& deletion) {
  pieces_.clear();
  ranges_.push_back({std::move(range), deletion});
}

Deletion RangeDeletions::at(BytesView clustering) {
  if (ranges_.empty()) return {};
  if (pieces_.empty()) flatten();
  const auto behind = std::ranges::upper_bound(
      pieces_, clustering, {}, [](const Piece& piece) { return BytesView(piece.from); });
  return behind == pieces_.begin() ? Deletion{} : std::prev(behind)->deletion;
}

// Sweeps over the bounds with the set of open ranges, so that ten thousand overlapping deletions
// cost a binary search a row.
void RangeDeletions::flatten() {
  std::map<Bytes, std::pair<std::vector<Deletion>, std::vector<Deletion>>>
      bounds;  // begin here, end here
  for (const Range& range : ranges_) {
    bounds[range.range.from].first.push_back(range.deletion);
    if (range.range.to) bounds[*range.range.to].second.push_back(range.deletion);
  }
  std::multiset<Deletion> open;
  for (const auto& [bytes, changes] : bounds) {
    for (const Deletion& deletion : changes.first) open.insert(deletion);
    for (const Deletion& deletion : changes.second) open.erase(open.find(deletion));
    pieces_.push_back({bytes, open.empty() ? Deletion{} : *open.rbegin()});
  }
}

}  // namespace penstock::table
