// SPDX-License-Identifier: Apache-2.0
#include "table/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include "table/rocks_log.h"
#include "table/row_merge.h"

namespace penstock::table {

rocksdb::Options rocks_options(const StoreOptions& options, RowFilters& filters) {
  rocksdb::Options rocks;
  rocks.create_if_missing = true;
  if (options.env != nullptr) rocks.env = options.env;
  rocks.merge_operator = make_row_merge();
  rocks.compaction_filter_factory = filters.factory();

  rocks.write_buffer_size = options.write_buffer_bytes;
  rocks.max_write_buffer_number = 4;
  rocks.allow_concurrent_memtable_write = false;  // one thread writes
  rocks.max_total_wal_size = 4 * options.write_buffer_bytes;
  rocks.bytes_per_sync = 1 << 20;

  // Files of large batches span all tokens and pile up on level 0. Reads bear many of them, thanks
  // to the filters; stalls on the write path are what must not happen, and compaction should take
  // many at once.
  rocks.level0_file_num_compaction_trigger = 64;
  rocks.level0_slowdown_writes_trigger = 200;
  rocks.level0_stop_writes_trigger = 400;
  rocks.soft_pending_compaction_bytes_limit = 64ULL << 30;
  rocks.hard_pending_compaction_bytes_limit = 256ULL << 30;
  rocks.target_file_size_base = 64 << 20;
  rocks.max_bytes_for_level_base = 256 << 20;
  rocks.compression = rocksdb::kLZ4Compression;
  rocks.compression_per_level = {rocksdb::kNoCompression, rocksdb::kLZ4Compression};

  rocks.max_background_jobs = options.background_threads;
  rocks.env->SetBackgroundThreads(options.background_threads, rocksdb::Env::LOW);
  rocks.env->SetBackgroundThreads(1, rocksdb::Env::HIGH);
  // Compaction yields to whoever serves clients.
  static_cast<void>(
      rocks.env->LowerThreadPoolCPUPriority(rocksdb::Env::LOW, rocksdb::CpuPriority::kLow));

  rocks.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kTokenPrefixBytes));
  rocks.memtable_prefix_bloom_size_ratio = 0.02;
  rocks.memtable_whole_key_filtering = true;
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  blocks.whole_key_filtering = false;  // reads seek partitions
  blocks.block_size = 8 << 10;
  blocks.format_version = 5;
  blocks.cache_index_and_filter_blocks = true;  // so that memory is bounded by the cache
  blocks.pin_l0_filter_and_index_blocks_in_cache = true;
  // In pieces of a few KB: in one piece, those of large tables would push each other out of the
  // cache with each read.
  blocks.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  blocks.partition_filters = true;
  blocks.pin_top_level_index_and_filter = true;
  rocks.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));

  rocks.max_open_files = options.open_files_max;
  rocks.info_log = make_rocks_log();
  rocks.stats_dump_period_sec = 0;  // no polling when idle
  rocks.stats_persist_period_sec = 0;
  return rocks;
}

}  // namespace penstock::table
