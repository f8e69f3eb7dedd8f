// SPDX-License-Identifier: Apache-2.0
#include "log/log_recovery.h"

#include <algorithm>
#include <utility>

#include "base/crc32c.h"
#include "base/logging.h"
#include "log/producer_table.h"

namespace penstock::log {

Result<ScanEnd> scan_segment(
    const File& file, kafka::Offset base,
    const std::function<void(const kafka::RecordBatchView&, std::uint64_t)>& visit) {
  constexpr std::size_t kWindowBytes = 4 << 20;
  const std::uint64_t size = TRY(file.size());
  ScanEnd end{.valid_bytes = 0, .next_offset = base, .fault = {}};
  Bytes window;
  std::uint64_t window_at = 0;
  while (end.valid_bytes < size) {
    const auto inside = static_cast<std::size_t>(end.valid_bytes - window_at);
    auto batch =
        kafka::RecordBatchView::parse(BytesView(window).substr(std::min(inside, window.size())));
    const bool more = window_at + window.size() < size;
    if (!batch && batch.error().code == Code::OutOfRange && more) {
      // The window ends within the batch, if its length can be true at all.
      const auto bytes =
          kafka::batch_size(BytesView(window).substr(std::min(inside, window.size())));
      const std::uint64_t wanted =
          bytes ? std::max<std::uint64_t>(*bytes, kWindowBytes) : kWindowBytes;
      if (wanted > kWindowBytes && wanted > size - end.valid_bytes) {
        end.fault = fmt::format("its {} bytes do not fit in the file", wanted);
        return end;
      }
      window.resize(std::min(wanted, size - end.valid_bytes));
      window_at = end.valid_bytes;
      window.resize(TRY(file.read(window_at, window.data(), window.size())));
      continue;
    }
    if (!batch) {
      end.fault = batch.error().message;
      return end;
    }
    if (!batch->crc_matches()) end.fault = "its checksum is wrong";
    if (batch->base_offset() < end.next_offset || batch->last_offset_delta() < 0) {
      end.fault = fmt::format("it has the offset {} where at least {} is due", batch->base_offset(),
                              end.next_offset);
    }
    if (!end.fault.empty()) return end;
    visit(*batch, end.valid_bytes);
    end.valid_bytes += batch->size();
    end.next_offset = batch->next_offset();
  }
  return end;
}

Result<std::shared_ptr<PartitionLog>> PartitionLog::open(const Environment& environment,
                                                         const std::string& dir,
                                                         const TopicPartition& id,
                                                         const LogConfig& config,
                                                         const Knowledge& knowledge) {
  return LogRecovery(environment, dir, id, config, knowledge).run();
}

LogRecovery::LogRecovery(const PartitionLog::Environment& environment, const std::string& dir,
                         const TopicPartition& id, const LogConfig& config,
                         const PartitionLog::Knowledge& knowledge)
    : log_(new PartitionLog(environment, dir, id, config)),
      disk_(environment.disk),
      knowledge_(knowledge),
      now_(environment.clock.wall_millis()),
      durable_(knowledge.recovery_point),
      progress_(id.text(), environment.clock) {}

Result<std::shared_ptr<PartitionLog>> LogRecovery::run() {
  TRY(disk_.make_dirs(log_->dir_));
  std::vector<kafka::Offset> bases = TRY(tidy());
  if (bases.empty()) {
    const kafka::Offset start = knowledge_.log_start_offset;
    if (durable_ > start) {
      return fail(Code::Corrupt,
                  "{} has no segment, but records up to offset {} had been written durably",
                  log_->dir_, durable_);
    }
    TRY(log_->begin_segment(start));
    log_->log_start_ = log_->high_watermark_ = log_->log_end_ = start;
    return std::move(log_);
  }
  read_durable_end();
  read_epochs();
  TRY(open_segments(std::move(bases)));
  log_->log_end_ = log_->high_watermark_ = log_->flushing_to_ = end_;
  log_->log_start_ = std::clamp(knowledge_.log_start_offset, log_->segments_.begin()->first, end_);
  TRY(load_producers());
  TRY(begin_epoch());
  // The rest of the tidying is not worth a scan next time.
  log_->changed_ = !knowledge_.clean_shutdown;
  return std::move(log_);
}

Result<std::vector<kafka::Offset>> LogRecovery::tidy() {
  const std::vector<std::string> names = TRY(disk_.list(log_->dir_));
  std::vector<kafka::Offset> bases;  // ascending: the names are sorted and of equal length
  for (const std::string& name : names) {
    if (const auto base = segment_base(name, ".log")) bases.push_back(*base);
  }
  for (const std::string& name : names) {
    auto index_of = segment_base(name, ".index");
    if (!index_of) index_of = segment_base(name, ".timeindex");
    const bool orphan = index_of && !std::binary_search(bases.begin(), bases.end(), *index_of);
    if (orphan || name.ends_with(".deleted") || name.ends_with(".tmp"))
      TRY(disk_.remove(path(name)));
  }
  return bases;
}

void LogRecovery::read_durable_end() {
  constexpr std::size_t kOffsetBytes = 8;
  const auto hint = disk_.read_all(path("durable-end"));
  if (!hint || hint->size() != kOffsetBytes + 4) return;
  if (load_be<std::uint32_t>(hint->data() + kOffsetBytes) !=
      crc32c(BytesView(*hint).substr(0, kOffsetBytes)))
    return;
  durable_ = std::max(durable_, kafka::Offset(load_be<std::int64_t>(hint->data())));
}

void LogRecovery::read_epochs() {
  const std::string file = path("leader-epoch-checkpoint");
  if (!disk_.exists(file)) return;
  const auto text = disk_.read_all(file);
  auto epochs = text ? LeaderEpochs::decode(*text) : Result<LeaderEpochs>(Failure(text.error()));
  if (epochs) {
    log_->epochs_ = *std::move(epochs);
  } else {
    log_warn("log", "{} is not usable, the epochs are taken from the records: {}", file,
             epochs.error().message);
  }
}

Result<void> LogRecovery::open_segments(std::vector<kafka::Offset> bases) {
  const auto is_trusted = [&](std::size_t i) {
    return knowledge_.clean_shutdown || (i + 1 < bases.size() && bases[i + 1] <= durable_);
  };
  for (std::size_t i = 0; i < bases.size(); ++i) {
    if (is_trusted(i)) continue;
    const auto file = TRY(disk_.open(path(segment_file(bases[i], ".log")), OpenFile::Read));
    progress_.expect(TRY(file->size()));
  }
  for (std::size_t i = 0; i < bases.size(); ++i) {
    const bool last = i + 1 == bases.size();
    const bool trusted = is_trusted(i);
    std::shared_ptr<Segment> segment;
    if (trusted) {
      auto opened = open_trusted(bases[i], last);
      if (opened) {
        segment = *std::move(opened);
        if (!last) end_ = bases[i + 1];
      } else {
        log_warn("log", "{}: segment {} is scanned: {}", log_->id_.text(), bases[i],
                 opened.error().message);
      }
    }
    if (segment == nullptr) {
      segment = TRY(scan(bases[i]));
      if (!last && end_ != bases[i + 1] && !cut_) {
        if (end_ < durable_) {
          return fail(Code::Corrupt,
                      "{} ends at offset {}, the next segment begins at {}: records that were "
                      "durable are missing",
                      segment->file()->path(), end_, bases[i + 1]);
        }
        cut_ = true;
      }
      if (!last && !cut_) {
        for (const auto& file : TRY(segment->seal(disk_))) TRY(file->sync());
      }
    }
    log_->segments_[bases[i]] = std::move(segment);
    if (cut_) {
      TRY(drop_segments_from(bases, i + 1));
      break;
    }
  }
  if (end_ < durable_) {
    return fail(Code::Corrupt,
                "{} ends at offset {}, but records up to {} had been written durably",
                log_->active().file()->path(), end_, durable_);
  }
  if (!knowledge_.clean_shutdown) TRY(disk_.sync_dir(log_->dir_));
  return {};
}

Result<std::shared_ptr<Segment>> LogRecovery::open_trusted(kafka::Offset base, bool last) {
  auto segment = TRY(Segment::open(disk_, log_->dir_, base, now_));
  if (last) {
    end_ = TRY(segment->find_end());
    TRY(segment->thaw());
  }
  return segment;
}

Result<std::shared_ptr<Segment>> LogRecovery::scan(kafka::Offset base) {
  auto segment = TRY(Segment::open_unindexed(disk_, log_->dir_, base, now_));
  const auto interval = log_->config_.index_interval_bytes;
  const ScanEnd found = TRY(scan_segment(
      *segment->file(), base, [&](const kafka::RecordBatchView& batch, std::uint64_t position) {
        segment->add(BatchHeader::of(batch, position), interval);
        log_->epochs_.assign(batch.leader_epoch(), batch.base_offset());
        progress_.scanned(batch.size());
      }));
  end_ = found.next_offset;
  if (!found.fault.empty()) {
    const std::string& file = segment->file()->path();
    if (end_ < durable_) {
      return fail(Code::Corrupt,
                  "{}: the batch at byte {} (offset {}) is damaged: {}. Records up to offset {} "
                  "had been written durably, so "
                  "nothing is cut; restore the file from a copy, or move the partition's directory "
                  "away to begin anew",
                  file, found.valid_bytes, end_, found.fault, durable_);
    }
    log_warn("log", "{}: {} bytes after offset {} were not acknowledged and are cut: {}", file,
             TRY(segment->file()->size()) - found.valid_bytes, end_, found.fault);
    TRY(segment->cut(found.valid_bytes));
    cut_ = true;
  }
  // After a kill the bytes may only be in the page cache; from now on they count as durable.
  TRY(segment->file()->sync());
  return segment;
}

Result<void> LogRecovery::drop_segments_from(const std::vector<kafka::Offset>& bases,
                                             std::size_t first) {
  for (std::size_t i = first; i < bases.size(); ++i) {
    log_warn("log", "{}: segment {} lies behind the end of the log and is removed",
             log_->id_.text(), bases[i]);
    for (const std::string_view suffix : {".log", ".index", ".timeindex"}) {
      const std::string file = path(segment_file(bases[i], suffix));
      if (disk_.exists(file)) TRY(disk_.remove(file));
    }
  }
  return {};
}

Result<void> LogRecovery::load_producers() {
  kafka::Offset from = log_->segments_.begin()->first;
  std::vector<std::string> names = TRY(disk_.list(log_->dir_));
  std::reverse(names.begin(), names.end());
  for (const std::string& name : names) {
    const auto offset = segment_base(name, ".snapshot");
    if (!offset) continue;
    const auto bytes = disk_.read_all(path(name));
    auto table =
        bytes ? ProducerTable::decode(*bytes) : Result<ProducerTable>(Failure(bytes.error()));
    if (*offset > end_ || !table) {
      TRY(disk_.remove(path(name)));
      continue;
    }
    *log_->producers_ = *std::move(table);
    from = *offset;
    break;
  }
  for (const auto& [base, segment] : log_->segments_) {
    const auto next = log_->segments_.upper_bound(base);
    if (next != log_->segments_.end() && next->first <= from) continue;
    const auto first = TRY(segment->find(from));
    if (!first) continue;
    HeaderWalker walker = segment->walk(first->position);
    while (const auto header = TRY(walker.next())) log_->producers_->record(*header, now_);
  }
  return {};
}

Result<void> LogRecovery::begin_epoch() {
  LeaderEpochs& epochs = log_->epochs_;
  epochs.cut(end_);
  if (knowledge_.clean_shutdown || end_ == log_->segments_.begin()->first) return {};
  epochs.assign(kafka::LeaderEpoch(0), log_->segments_.begin()->first);
  epochs.assign(epochs.latest() + 1, end_);
  return disk_.replace(path("leader-epoch-checkpoint"), epochs.encode());
}

}  // namespace penstock::log
