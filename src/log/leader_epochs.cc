// SPDX-License-Identifier: Apache-2.0
#include "log/leader_epochs.h"

#include <algorithm>

#include "log/checkpoint.h"

namespace penstock::log {

kafka::LeaderEpoch LeaderEpochs::latest() const {
  return entries_.empty() ? kafka::LeaderEpoch(0) : entries_.back().epoch;
}

void LeaderEpochs::assign(kafka::LeaderEpoch epoch, kafka::Offset start) {
  if (!entries_.empty() && epoch <= entries_.back().epoch) return;
  // An epoch without a record leaves no trace.
  while (!entries_.empty() && entries_.back().start >= start) entries_.pop_back();
  entries_.push_back({epoch, start});
}

EpochEnd LeaderEpochs::end_of(kafka::LeaderEpoch epoch, kafka::Offset log_end) const {
  if (epoch < kafka::LeaderEpoch(0) || epoch > latest()) return {};
  if (epoch == latest()) return {epoch, log_end};
  const auto after = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.epoch > epoch; });
  // Older than what is kept: it ended where the oldest known one began.
  if (after == entries_.begin()) return {epoch, after->start};
  return {std::prev(after)->epoch, after->start};
}

void LeaderEpochs::cut(kafka::Offset log_end) {
  while (!entries_.empty() && entries_.back().start > log_end) entries_.pop_back();
}

Bytes LeaderEpochs::encode() const {
  std::vector<std::string> lines;
  for (const Entry& entry : entries_)
    lines.push_back(fmt::format("{} {}", entry.epoch, entry.start));
  return encode_checkpoint(lines);
}

Result<LeaderEpochs> LeaderEpochs::decode(BytesView text) {
  LeaderEpochs epochs;
  for (const auto& line : TRY(decode_checkpoint(text, 2))) {
    const auto epoch = TRY(checkpoint_number(line[0]));
    const auto start = TRY(checkpoint_number(line[1]));
    epochs.assign(kafka::LeaderEpoch(static_cast<std::int32_t>(epoch)), kafka::Offset(start));
  }
  return epochs;
}

}  // namespace penstock::log
