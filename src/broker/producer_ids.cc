// SPDX-License-Identifier: Apache-2.0
#include "broker/producer_ids.h"

#include <charconv>

namespace penstock::broker {

Result<ProducerIds> ProducerIds::open(Disk& disk, const std::string& data_dir) {
  std::string path = data_dir + "/producer-ids";
  if (!disk.exists(path)) return ProducerIds(disk, std::move(path), 0);
  const Bytes text = TRY(disk.read_all(path));
  std::int64_t first = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), first);
  if (error != std::errc() || first < 0 ||
      BytesView(end, static_cast<std::size_t>(text.data() + text.size() - end)) != "\n")
    return fail(Code::Corrupt, "{} does not hold a producer id", path);
  return ProducerIds(disk, std::move(path), first);
}

Result<kafka::ProducerId> ProducerIds::next() {
  if (next_ == end_) {
    TRY_WITH(disk_->replace(path_, std::to_string(end_ + kBlock) + "\n"), "reserving producer ids");
    end_ += kBlock;
  }
  return kafka::ProducerId(next_++);
}

}  // namespace penstock::broker
