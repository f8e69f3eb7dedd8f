// SPDX-License-Identifier: Apache-2.0
#include "table/row_merge.h"

#include <rocksdb/merge_operator.h>

#include <vector>

#include "base/logging.h"
#include "table/row_format.h"

namespace penstock::table {
namespace {

class RowMerge final : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return "penstock.row.1"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    if (in.existing_value == nullptr && in.operand_list.size() == 1) {
      out->existing_operand = in.operand_list.front();  // no copy: most rows are written once
      return true;
    }
    std::vector<BytesView> rows;
    rows.reserve(in.operand_list.size() + 1);
    if (in.existing_value != nullptr) rows.push_back(view(*in.existing_value));
    for (const rocksdb::Slice& operand : in.operand_list) rows.push_back(view(operand));
    return merge(in.key, rows, out->new_value);
  }

  bool PartialMergeMulti(const rocksdb::Slice& key, const std::deque<rocksdb::Slice>& operands,
                         std::string* result, rocksdb::Logger*) const override {
    std::vector<BytesView> rows;
    rows.reserve(operands.size());
    for (const rocksdb::Slice& operand : operands) rows.push_back(view(operand));
    return merge(key, rows, *result);
  }

 private:
  // False stops the read or the compaction with a Corruption status.
  static bool merge(const rocksdb::Slice& key, const std::vector<BytesView>& rows,
                    std::string& result) {
    result.clear();
    const Result<void> merged = merge_rows(rows, result);
    if (!merged) log_error("table", "key {}: {}", hex(view(key)), merged.error().message);
    return merged.has_value();
  }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> make_row_merge() {
  return std::make_shared<RowMerge>();
}

}  // namespace penstock::table
