#include "plan/big_pools.h"

#include <algorithm>

#include <fmt/format.h>

#include "plan/fixes.h"
#include "plan/rules.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

// A quiet moment is no reason to call a pool too big.
constexpr double kEnoughMinutes = 60;
// Held, as a multiple of what is in use for 99.9 % of the time.  Twice is what any pool may
// keep (leash.leaks says so too), and four times what a monitor would warn of.
constexpr double kFarTooMany = 4;
constexpr double kTooMany = 2;
// As many as HikariCP or asyncpg hold by default, whatever they need.
constexpr std::int64_t kUsualPool = 10;
// Less than a tenth of the server's slots is nobody's trouble.
constexpr double kManySlots = 0.1;
// On a server that is full small pools add up: then a quarter of the slots counts.
constexpr double kManySlotsTogether = 0.25;
constexpr double kNearlyFull = 0.8;
// So many of a pool's connections came together.
constexpr double kMost = 0.8;

constexpr std::size_t kMostShown = 5;

bool is_under_pressure(const Situation& situation) {
    return situation.refused > 0 || situation.share(situation.peak) >= kNearlyFull;
}

std::int64_t forgotten(const Situation& situation, const ApplicationFacts& facts) {
    std::int64_t sessions = 0;
    for (const CauseFacts& cause : situation.evidence.causes) {
        const bool idle =
            cause.kind == "abandoned" || cause.kind == "never used" || cause.kind == "ping only";
        if (idle && cause.leaked && cause.application_name == facts.application_name &&
            cause.usename == facts.usename && cause.datname == facts.datname) {
            sessions += cause.sessions;
        }
    }
    return sessions;
}

// nullopt: it is none, or not known well enough.
std::optional<BigPool> judge(const Situation& situation, const ApplicationFacts& facts,
                             bool pressure) {
    const PoolAdvice* advice = situation.pool(facts);
    if (advice == nullptr || situation.known_minutes(facts) < kEnoughMinutes) {
        return std::nullopt;
    }
    BigPool pool{&facts, advice, facts.sessions - facts.leaked_in_use, 0};
    pool.excess = pool.held - std::max(advice->need, advice->connections);
    const auto level = static_cast<double>(std::max<std::int64_t>(advice->p999, 1));
    const double times = static_cast<double>(pool.held) / level;
    const bool far = pressure ? times >= kTooMany : times >= kFarTooMany && pool.held > kUsualPool;
    const bool is_pool = forgotten(situation, facts) == 0 || is_filled_as_a_pool(facts, pool.held);
    return far && is_pool && pool.excess > 0 ? std::optional(pool) : std::nullopt;
}

std::vector<BigPool> judge_all(const Situation& situation, bool pressure, double enough) {
    std::vector<BigPool> pools;
    std::int64_t excess = 0;
    for (const ApplicationFacts& facts : situation.evidence.applications) {
        if (const auto pool = judge(situation, facts, pressure)) {
            pools.push_back(*pool);
            excess += pool->excess;
        }
    }
    if (situation.share(excess) < enough) {
        return {};
    }
    std::stable_sort(pools.begin(), pools.end(),
                     [](const BigPool& a, const BigPool& b) { return a.excess > b.excess; });
    return pools;
}

// --- the finding -------------------------------------------------------------------

Party party_of(const ApplicationFacts& facts) {
    return {facts.application_name, facts.usename, facts.datname};
}

std::string evidence_line(const BigPool& pool) {
    const ApplicationFacts& facts = *pool.facts;
    return fmt::format(
        "{} holds {}. In use at once: {} in the mean, {} or less for 99.9 % of the time, at most "
        "{}; known for {}. Needed: {}.",
        party_of(facts).who(), counted(pool.held, "session"), amount(pool.advice->level),
        number(pool.advice->p999), number(facts.in_use_peak.value_or(pool.advice->p999)),
        duration(pool.advice->known_for.value), number(pool.advice->connections));
}

std::string title_of(const std::vector<BigPool>& pools, std::int64_t held) {
    if (pools.size() > 1) {
        return fmt::format("{} pools are too big: they hold {}",
                           number(static_cast<std::int64_t>(pools.size())),
                           counted(held, "connection"));
    }
    const ApplicationFacts& facts = *pools.front().facts;
    return fmt::format("The pool of {} is too big: {} for at most {} in use",
                       facts.application_name.empty() ? "an application without a name"
                                                      : code(facts.application_name, 63),
                       counted(held, "connection"),
                       number(facts.in_use_peak.value_or(pools.front().advice->p999)));
}

constexpr const char* kDiagnosis =
    "Pool too big: its connections were opened together, as a pool is filled, most of them rest, "
    "and what is in use at one time is a small part of them. Each holds a slot and a process for "
    "nothing. The pool's own counters confirm it: if they tell of idle connections, it is too big; "
    "if they say that none is idle, its users have forgotten to give them back.";

void add_fixes(const Situation& situation, const std::vector<BigPool>& pools, Finding& finding) {
    for (std::size_t i = 0; i < std::min(pools.size(), kMostShown); ++i) {
        const std::vector<Fix> limits = limit_pool(*pools[i].advice);
        finding.fixes.insert(finding.fixes.end(), limits.begin(), limits.end());
    }
    const std::vector<Fix> limit = change_setting(
        situation, "CONNECTION LIMIT", "role " + pools.front().facts->usename, When::kWeek,
        "When the pools have their new size, keep this role from taking the slots of all others.");
    finding.fixes.insert(finding.fixes.end(), limit.begin(), limit.end());
    for (const BigPool& pool : pools) {
        if (const std::int64_t leaked = forgotten(situation, *pool.facts); leaked > 0) {
            Fix end = end_leaked(party_of(*pool.facts), leaked, false);
            end.what =
                "If slots are needed at once: end those that rest. The pool opens them "
                "again if it is told to keep so many ready.";
            finding.fixes.insert(finding.fixes.begin(), end);
        }
    }
}

}  // namespace

bool is_filled_as_a_pool(const ApplicationFacts& facts, std::int64_t held) {
    return static_cast<double>(facts.opened_together.value_or(0)) >=
           kMost * static_cast<double>(held);
}

std::vector<BigPool> big_pools(const Situation& situation) {
    std::vector<BigPool> pools = judge_all(situation, false, kManySlots);
    return pools.empty() && is_under_pressure(situation)
               ? judge_all(situation, true, kManySlotsTogether)
               : pools;
}

void find_big_pools(const Situation& situation, Findings& findings) {
    const std::vector<BigPool> pools = big_pools(situation);
    if (pools.empty()) {
        return;
    }
    Finding finding;
    finding.kind = "pool too big";
    std::int64_t held = 0;
    std::int64_t excess = 0;
    std::int64_t needed = 0;
    for (const BigPool& pool : pools) {
        held += pool.held;
        excess += pool.excess;
        needed += pool.advice->connections;
        if (finding.evidence.size() < kMostShown) {
            finding.evidence.push_back(evidence_line(pool));
        }
    }
    if (pools.size() == 1) {
        finding.application = pools.front().facts->application_name;
        finding.subject = pools.front().facts->usename + '@' + pools.front().facts->datname;
    }
    finding.title = title_of(pools, held);
    finding.harm = situation.harm_of_slots(excess);
    finding.weight = static_cast<double>(excess);
    finding.hurts = fmt::format("holds {} for nothing", counted(excess, "slot"));
    finding.frees = excess;
    finding.evidence.push_back(fmt::format("Together they hold {} of the {} slots.",
                                           percent(situation.share(held)),
                                           number(situation.usable)));
    finding.diagnosis = kDiagnosis;
    add_fixes(situation, pools, finding);
    finding.expected.push_back(
        {"connections of these pools", number(held), number(needed),
         "for each the larger one of p99.9 and L + 2 sqrt L of what was in use, times 1.25, in as "
         "many instances as addresses were seen"});
    finding.watch.push_back(
        {"sessions should fall, and in_use must stay below them",
         pools.size() == 1
             ? "pgleash apps " + filter_options(party_of(*pools.front().facts)) + " --watch 5"
             : "pgleash apps --watch 5"});
    findings.push_back(std::move(finding));
}

}  // namespace leash::tool::plan
