// Advice on an index: what was found out about a candidate, what follows from it, and how
// it reads.  Asks nobody.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/existing_index.h"
#include "render/dataset.h"
#include "render/table.h"

namespace leash::tool {

struct IndexAdvice {
    Row facts;                           ///< of the view and of the statistics: kFactColumns
    std::string table;                   ///< as SQL, qualified
    std::string columns;                 ///< as SQL, separated by commas
    std::optional<ExistingIndex> index;  ///< then none is missing
    std::string covered_by;              ///< columns of another advice, which begin with these
    std::string query;                   ///< the one that the costs are of
    std::optional<double> cost_before;
    std::optional<double> cost_after;  ///< with the index, by hypopg
    Cell size;                         ///< bytes, by hypopg
    std::string unknown;               ///< why there are no costs
};

enum class IndexVerdict { kCreate, kCovered, kExists, kInvalid, kNoGain };

IndexVerdict verdict_of(const IndexAdvice& advice);
const char* name_of(IndexVerdict verdict);

/// What facts has, in order.
std::span<const Column> index_fact_columns();

/// The total cost in what EXPLAIN (FORMAT JSON) returns.
std::optional<double> plan_cost(const std::string& explained);

/// Marks those whose columns another one of the same table begins with.
void mark_covered(std::vector<IndexAdvice>& advice);

/// "CREATE INDEX CONCURRENTLY ON shop.orders (customer);", or empty when none is advised.
std::string create_statement(const IndexAdvice& advice);

/// Rows for JSON and CSV.
Dataset advice_rows(const std::vector<IndexAdvice>& advice);

/// For people; the statements to paste are never wrapped.
std::string advice_text(const std::vector<IndexAdvice>& advice, const TableStyle& style);

}  // namespace leash::tool
