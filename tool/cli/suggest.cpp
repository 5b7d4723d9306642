#include "cli/suggest.h"

#include <algorithm>

namespace leash::tool {
namespace {

constexpr std::size_t kMaxSlips = 2;

// Optimal string alignment distance.
std::size_t slips_between(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> cost(a.size() + 1,
                                               std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            cost[i][j] =
                std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[a.size()][b.size()];
}

}  // namespace

std::string closest_word(std::string_view word, const std::vector<std::string>& candidates) {
    std::string best;
    std::size_t best_slips = kMaxSlips + 1;
    for (const std::string& candidate : candidates) {
        // A word much longer than any of ours is no slip, and costs time.
        if (word.size() > candidate.size() + kMaxSlips) {
            continue;
        }
        const std::size_t slips = slips_between(word, candidate);
        if (slips < best_slips && slips * 2 < candidate.size()) {
            best = candidate;
            best_slips = slips;
        }
    }
    return best;
}

}  // namespace leash::tool
