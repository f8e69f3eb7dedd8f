// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/result.h"
#include "sql/expression.h"
#include "stream/pipeline.h"

namespace penstock::stream {

// Rows on their way to the sinks: `columns` hold at least the rows named in `rows`; row r of the
// columns came from the decoded row origin[r] (origin empty: from r).
struct Rows {
  std::vector<sql::Column> columns;
  sql::Selection rows;
  std::vector<std::uint32_t> origin;

  std::uint32_t decoded(std::uint32_t row) const { return origin.empty() ? row : origin[row]; }
};

// A row that an expression could not compute.
struct FailedRow {
  std::uint32_t decoded = 0;  // number of the decoded row
  Reject reject;
};

// The transform steps of a pipeline, compiled, and one conversion per output column where the
// sink's type differs. Immutable.
class Plan {
 public:
  static Result<Plan> compile(const PipelineSpec& spec);

  const sql::Fields& input() const { return input_; }
  const sql::Fields& output() const { return output_; }

  // Adds a last step that converts output columns to these types (one per output column). Fails,
  // naming column and types, when there is no conversion or it would lose values without saying so.
  Result<void> convert_output(const std::vector<sql::Type>& types);

  // Applies the steps to `count` decoded rows. Rows that fail are in `failed` and left out, unless
  // `null_on_convert`. Returns also how many rows `where` steps took away.
  struct Outcome {
    Rows rows;
    std::vector<sql::Column> decoded;  // the columns given, when a select has put others in rows
    std::vector<FailedRow> failed;
    std::size_t filtered = 0;
  };
  Outcome run(std::vector<sql::Column> columns, std::size_t count, bool null_on_convert) const;

 private:
  struct Step {
    std::vector<sql::Expression> where;   // one, or
    std::vector<sql::SelectItem> select;  // the new columns
  };
  sql::Fields input_;
  sql::Fields output_;
  std::vector<Step> steps_;
};

}  // namespace penstock::stream
