// Refused connections that nothing else explains, or that a limit of a role refused.
#include <algorithm>

#include <fmt/format.h>

#include "plan/fixes.h"
#include "plan/rules.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

constexpr double kDay = 86'400;
// A limit that refuses now and then does what it is for.
constexpr std::int64_t kManyByLimit = 10;

bool is_explained(const Findings& findings) {
    return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.harm == Harm::kRefused ||
               (finding.frees > 0 && finding.harm == Harm::kStandstill);
    });
}

Fix catch_it() {
    Fix fix;
    fix.what =
        "Catch it in the act: have a monitor look each minute, and keep what is known when the "
        "slots run short, for a plan of that moment.";
    fix.language = "sh";
    fix.text =
        "pgleash health --only connections || pgleash snapshot save full.json\n"
        "pgleash plan --from full.json\n";
    fix.risk = "none: it only looks";
    fix.undo = "not needed";
    return fix;
}

// No pool of the server's is larger than what there is to share, in a pooler's neither.
void share_by_pooler(const Situation& situation, Finding& finding) {
    const PoolPlan& pools = situation.pools;
    PoolAdvice pool = pools.pools.front();
    pool.pooler_size = std::min(pool.pooler_size, pools.limit);
    pool.pooler_database_size = std::min(pool.pooler_database_size, pools.limit);
    finding.fixes.push_back(put_pooler(pool));
    finding.expected.push_back(
        {"connections to the server", number(situation.peak),
         number(std::min(pools.pooler, pools.limit)),
         pools.pooler > pools.limit
             ? "as many as there are to share; what is in use at one time is more, and waits in "
               "the pooler"
             : "what is in use at one time, times 1.25, whatever the number of instances"});
}

void add_for_want_of_slots(const Situation& situation, Findings& findings) {
    const PoolPlan& pools = situation.pools;
    Finding finding;
    finding.kind = "refused connections";
    finding.title =
        fmt::format("{} refused, and no session is there for nothing",
                    situation.refused == 1 ? "1 connection was"
                                           : number(situation.refused) + " connections were");
    finding.harm = Harm::kRefused;
    finding.weight = 0;
    finding.hurts = "clients were turned away";
    finding.evidence.push_back(fmt::format(
        "{} in the last day for want of a slot, most ({}) in the minute {}.",
        counted(situation.refused, "refusal"), number(situation.worst_refusals->refused),
        moment(situation.worst_refusals->minute)));
    const ConnectionFacts& slots = situation.evidence.connections;
    finding.evidence.push_back(fmt::format(
        "At most {} of {} slots were taken{}.", number(situation.peak),
        number(slots.max_connections),
        slots.reserved > 0 ? fmt::format(", of which {} are reserved", number(slots.reserved))
                           : ""));
    if (pools.any_advised()) {
        finding.evidence.push_back(fmt::format(
            "By what was in use, the applications together need {}; there are {} to share.",
            counted(pools.wanted, "connection"), number(pools.limit)));
    }
    finding.diagnosis =
        "No leak, no pool that is too big and no spike of the time that is known explains it: the "
        "load came near to what the server has, or what filled it is gone.";
    if (pools.any_advised() && pools.wanted > pools.limit) {
        share_by_pooler(situation, finding);
    } else {
        finding.fixes.push_back(catch_it());
    }
    const auto reserve = change_setting(situation, "reserved_connections", "the server", When::kDay,
                                        "Keep some slots for monitoring.");
    finding.fixes.insert(finding.fixes.end(), reserve.begin(), reserve.end());
    finding.watch.push_back({"refusals by minute; none should come",
                             "psql -c 'SELECT * FROM leash.refusals LIMIT 20'"});
    findings.push_back(std::move(finding));
}

void add_by_limit(const Situation& situation, const char* reason, const char* statement,
                  Findings& findings) {
    std::int64_t refused = 0;
    const RefusalFacts* worst = nullptr;
    for (const RefusalFacts& facts : situation.evidence.refusals) {
        if (facts.reason == reason && seconds_between(facts.minute, situation.now) < kDay) {
            refused += facts.refused;
            worst = worst == nullptr || worst->refused < facts.refused ? &facts : worst;
        }
    }
    if (refused < kManyByLimit) {
        return;
    }
    Finding finding;
    finding.kind = "refused connections";
    finding.cause = reason;
    finding.title = fmt::format("{} were refused by a {}", counted(refused, "connection"), reason);
    finding.harm = Harm::kSlow;
    finding.weight = 0;
    finding.hurts = "clients of one role or database are turned away";
    finding.evidence.push_back(fmt::format("{} in the last day, most ({}) in the minute {}.",
                                           counted(refused, "refusal"), number(worst->refused),
                                           moment(worst->minute)));
    finding.diagnosis =
        "A CONNECTION LIMIT keeps them out, and not the server: their pools together are larger "
        "than "
        "it allows. Either the limit is right, and the pools are to be made smaller, or it is too "
        "small for what they need.";
    Fix fix;
    fix.what = fmt::format("See whom it refuses, and what that application needs ({}).",
                           code("pgleash advise pools"));
    fix.language = "sql";
    fix.text = statement;
    fix.risk = "none: it only looks";
    fix.undo = "not needed";
    finding.fixes.push_back(fix);
    finding.watch.push_back(
        {"whom it refused last", "psql -c 'SELECT * FROM leash.last_refusals LIMIT 20'"});
    findings.push_back(std::move(finding));
}

}  // namespace

void find_refusals(const Situation& situation, Findings& findings) {
    if (situation.refused > 0 && !is_explained(findings)) {
        add_for_want_of_slots(situation, findings);
    }
    add_by_limit(situation, "role limit",
                 "SELECT usename, count(*) FROM leash.last_refusals WHERE reason = 'role limit' "
                 "GROUP BY 1;\n"
                 "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolconnlimit >= 0;\n",
                 findings);
    add_by_limit(situation, "database limit",
                 "SELECT datname, count(*) FROM leash.last_refusals WHERE reason = 'database "
                 "limit' GROUP BY 1;\n"
                 "SELECT datname, datconnlimit FROM pg_database WHERE datconnlimit >= 0;\n",
                 findings);
}

}  // namespace leash::tool::plan
