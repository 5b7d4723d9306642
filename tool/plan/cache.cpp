// A low cache hit ratio: blocks that were asked for and not found in shared buffers.
#include <algorithm>

#include <fmt/format.h>

#include "plan/rules.h"
#include "plan/statements.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

// Applications that work on what is warm are above 99 %; reports alone reach 90.
constexpr double kLow = 0.9;
// 800 MB: less is read when a server has just started.
constexpr double kManyBlocks = 100'000;
constexpr double kDay = 86'400;

struct Blocks {
    double hit = 0;
    double read = 0;
    bool of_history = false;
    const MinuteFacts* worst = nullptr;  // the minute that read most

    double ratio() const { return hit + read > 0 ? hit / (hit + read) : 1; }
};

// Of the last day; without a history, since the counters of the databases began.
Blocks blocks_of(const Situation& situation) {
    Blocks blocks;
    for (const MinuteFacts& minute : situation.history) {
        if (minute.blks_hit && minute.blks_read &&
            seconds_between(minute.minute, situation.now) < kDay) {
            blocks.of_history = true;
            blocks.hit += static_cast<double>(*minute.blks_hit);
            blocks.read += static_cast<double>(*minute.blks_read);
            if (blocks.worst == nullptr || *blocks.worst->blks_read < *minute.blks_read) {
                blocks.worst = &minute;
            }
        }
    }
    if (!blocks.of_history) {
        for (const DatabaseFacts& database : situation.evidence.databases) {
            blocks.hit += static_cast<double>(database.blks_hit);
            blocks.read += static_cast<double>(database.blks_read);
        }
    }
    return blocks;
}

// What statements read that would not with their index.
double read_for_want_of_an_index(const Situation& situation) {
    double blocks = 0;
    for (const MissingIndex& index : missing_indexes(situation)) {
        for (const SlowFacts* slow : index.slow) {
            blocks += static_cast<double>(slow->shared_blks_read);
        }
    }
    return blocks;
}

const SlowFacts* most_read(const Evidence& evidence) {
    const auto most = std::max_element(evidence.slow.begin(), evidence.slow.end(),
                                       [](const SlowFacts& a, const SlowFacts& b) {
                                           return a.shared_blks_read < b.shared_blks_read;
                                       });
    return most != evidence.slow.end() && most->shared_blks_read > 0 ? &*most : nullptr;
}

Fix more_buffers(const Situation& situation) {
    std::string now = "unknown";
    for (const SettingFacts& facts : situation.evidence.settings) {
        if (facts.name == "shared_buffers") {
            now = size_of_blocks(std::strtoll(facts.setting.c_str(), nullptr, 10));
        }
    }
    Fix fix;
    fix.when = When::kWeek;
    fix.what = fmt::format(
        "If missing indexes and bulk work above do not explain it: shared_buffers is {}; a quarter "
        "of "
        "the machine's memory, which cannot be seen from here, is the usual start.",
        now);
    fix.risk = "it needs a restart, and the memory is not there for others";
    fix.undo = code("ALTER SYSTEM RESET shared_buffers;") + " and a restart";
    return fix;
}

}  // namespace

void find_cache_misses(const Situation& situation, Findings& findings) {
    const Blocks blocks = blocks_of(situation);
    if (blocks.ratio() >= kLow || blocks.read < kManyBlocks) {
        return;
    }
    Finding finding;
    finding.kind = "low cache hit ratio";
    finding.title = fmt::format("Cache hit ratio of {}", percent(blocks.ratio()));
    finding.harm = Harm::kSlow;
    finding.weight = 0;  // what causes it comes first
    finding.hurts = "statements wait for reads";
    finding.evidence.push_back(fmt::format(
        "{}, {} of the blocks asked for were in shared buffers; {} were read.",
        blocks.of_history ? "In the last day" : "Since the counters of the databases began",
        percent(blocks.ratio()), size_of_blocks(static_cast<std::int64_t>(blocks.read))));
    if (blocks.worst != nullptr) {
        finding.evidence.push_back(fmt::format("Most was read in the minute {}: {}.",
                                               moment(blocks.worst->minute),
                                               size_of_blocks(*blocks.worst->blks_read)));
    }
    if (const SlowFacts* slow = most_read(situation.evidence)) {
        finding.evidence.push_back(fmt::format("Of slow statements this one read most, {}: {}.",
                                               size_of_blocks(slow->shared_blks_read),
                                               code(slow->query)));
    }
    finding.diagnosis =
        "What is read does not fit into shared buffers, or is read only once. What PostgreSQL "
        "calls "
        "read may still come from the operating system's cache.";
    finding.fixes.push_back(more_buffers(situation));
    const double less = std::min(read_for_want_of_an_index(situation), blocks.read);
    if (less > 0) {
        finding.expected.push_back(
            {"cache hit ratio", percent(blocks.ratio()),
             percent(blocks.hit / std::max(blocks.hit + blocks.read - less, 1.0)),
             fmt::format("without the {} that statements read for want of an index",
                         size_of_blocks(static_cast<std::int64_t>(less)))});
    }
    finding.watch.push_back({"cache hit ratio, minute by minute",
                             "psql -c \"SELECT minute, cache_hit_ratio, blks_read FROM "
                             "leash.history ORDER BY minute DESC "
                             "LIMIT 20\""});
    findings.push_back(std::move(finding));
}

}  // namespace leash::tool::plan
