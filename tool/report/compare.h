// What changed between two snapshots, in numbers that can be compared although the two
// are of different lengths: rates, peaks, shares.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "report/timeline.h"

namespace leash::tool {

enum class Wish { less, more, none };
enum class Unit { amount, percent };

struct Change {
    std::string name;
    std::string aside;  ///< such as "a day"
    std::optional<double> before;
    std::optional<double> after;
    Wish wish = Wish::less;
    Unit unit = Unit::amount;

    bool known() const { return before || after; }
};

/// "better" or "worse"; "" when it stayed about the same, is neither or is not known.
std::string verdict_of(const Change& change);

/// "-65 %", "+12.3 points" for shares, "" where nothing can be said.
std::string difference_text(const Change& change);

std::string value_text(const Change& change, const std::optional<double>& value);

/// Rows of the two that are about the same thing; one of them may be nullptr.
template <class Facts>
struct Pair {
    const Facts* before = nullptr;
    const Facts* after = nullptr;
};

/// Slow statements of one query.  What came after is without what was counted before.
struct SlowPair {
    const SlowFacts* facts = nullptr;  ///< the newer one
    std::int64_t calls_before = 0;
    std::int64_t calls_after = 0;
    std::optional<double> seconds_a_day_before;
    std::optional<double> seconds_a_day_after;
    double mean_before = 0;
    double mean_after = 0;
};

struct Comparison {
    Timeline before;
    Timeline after;  ///< without minutes that were in the other already
    std::vector<std::string> cautions;
    std::vector<Change> changes;
    std::vector<Pair<ApplicationFacts>> applications;  ///< largest change of sessions first
    std::vector<Pair<CauseFacts>> causes;              ///< likewise
    std::vector<Pair<ComputeFacts>> compute;           ///< likewise, of hours
    std::vector<SlowPair> slow;                        ///< most costly of the two first
};

/// Keeps pointers into both.
Comparison compare(const Evidence& before, const Evidence& after);

}  // namespace leash::tool
