// Leaks: sessions that nobody will use again, as the server judged them (leash.leak_groups,
// with the thresholds of pg_leash.*_threshold).  No threshold of our own: one leaked
// session that blocks others is worth a page.
#include "plan/leaks.h"

#include <algorithm>

#include <fmt/format.h>

#include "plan/big_pools.h"
#include "plan/rules.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

constexpr std::size_t kMostOpeners = 3;
// A trend that takes the last slot within a day is no trifle, however few there are now.
constexpr double kSoon = 86'400;

std::optional<LeakWay> way_of(const std::string& kind) {
    if (kind == "idle in transaction" || kind == "aborted transaction") {
        return LeakWay::kOpenTransaction;
    }
    if (kind == "abandoned" || kind == "never used" || kind == "ping only") {
        return LeakWay::kForgotten;
    }
    if (kind == "stalled client") {
        return LeakWay::kStalledClient;
    }
    if (kind == "peer gone") {
        return LeakWay::kClientGone;
    }
    return std::nullopt;
}

const char* cause_name(LeakWay way) {
    switch (way) {
        case LeakWay::kOpenTransaction:
            return "open transaction";
        case LeakWay::kForgotten:
            return "forgotten connection";
        case LeakWay::kStalledClient:
            return "stalled client";
        case LeakWay::kClientGone:
            return "client gone";
    }
    return "";
}

void add(LeakGroup& group, const CauseFacts& cause) {
    group.sessions += cause.sessions;
    group.blocked += cause.blocked_sessions;
    group.oldest = std::max(group.oldest, cause.oldest.value);
    group.growth += cause.growth_per_hour.value_or(0);
    if (cause.exhausted_in) {
        group.exhausted_in = std::min(group.exhausted_in.value_or(cause.exhausted_in->value),
                                      cause.exhausted_in->value);
    }
    group.holds_xmin = group.holds_xmin || cause.weight == "holds back xmin" ||
                       (cause.weight == "blocks others" && group.way == LeakWay::kOpenTransaction);
    group.causes.push_back(&cause);
}

// --- evidence ----------------------------------------------------------------------

// "52 abandoned and 5 never used"
std::string kinds_text(const LeakGroup& group) {
    std::vector<std::pair<std::string, std::int64_t>> kinds;
    for (const CauseFacts* cause : group.causes) {
        const auto known = std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) {
            return kind.first == cause->kind;
        });
        if (known == kinds.end()) {
            kinds.emplace_back(cause->kind, cause->sessions);
        } else {
            known->second += cause->sessions;
        }
    }
    std::vector<std::string> texts;
    for (const auto& [kind, sessions] : kinds) {
        texts.push_back(fmt::format("{} {}", number(sessions), kind));
    }
    return listed(texts);
}

void tell_openers(const LeakGroup& group, std::vector<std::string>& evidence) {
    std::size_t told = 0;
    for (const CauseFacts* cause : group.causes) {
        const bool has_route = cause->route && !cause->route->empty();
        const bool has_last = cause->opener.empty() && cause->last_statement;
        if ((cause->opener.empty() && !has_last && !has_route) || told == kMostOpeners) {
            continue;
        }
        ++told;
        std::string line = counted(cause->sessions, "session");
        line += cause->opener.empty() ? "" : fmt::format(", opened by {}", code(cause->opener));
        line += has_last ? fmt::format(", whose last statement is {}", code(*cause->last_statement))
                         : "";
        line += has_route ? fmt::format(", on route {}", code(*cause->route)) : "";
        evidence.push_back(line + '.');
    }
}

// History counts the whole server's.
void tell_history(const Situation& situation, std::vector<std::string>& evidence) {
    const std::vector<MinuteFacts>& history = situation.history;
    if (history.empty()) {
        return;
    }
    const auto most =
        std::max_element(history.begin(), history.end(),
                         [](const auto& a, const auto& b) { return a.leaked < b.leaked; });
    const auto first = std::find_if(history.begin(), history.end(),
                                    [](const MinuteFacts& minute) { return minute.leaked > 0; });
    if (first != history.end()) {
        evidence.push_back(fmt::format(
            "On the whole server sessions have been leaked since {}, at most {} in the minute {}.",
            moment(first->minute), number(most->leaked), moment(most->minute)));
    }
}

void tell_growth(const LeakGroup& group, std::vector<std::string>& evidence) {
    if (group.growth <= 0) {
        return;
    }
    std::string line =
        fmt::format("They grow by {} an hour, at the pace of the last hour", amount(group.growth));
    line +=
        group.exhausted_in && *group.exhausted_in < kSoon
            ? fmt::format(": that takes the last free slot in {}.", duration(*group.exhausted_in))
            : std::string(".");
    evidence.push_back(line);
}

const ApplicationFacts* application_of(const Situation& situation, const LeakGroup& group) {
    return situation.application(group.party.application, group.party.role, group.party.database);
}

std::vector<std::string> evidence_of(const Situation& situation, const LeakGroup& group) {
    std::vector<std::string> evidence;
    evidence.push_back(fmt::format(
        "{} {} of {}: {}, the oldest for {}. They hold {} of the {} slots.",
        counted(group.sessions, "session"), group.sessions == 1 ? "is leaked" : "are leaked",
        group.party.who(), kinds_text(group), duration(group.oldest),
        percent(situation.share(group.sessions)), number(situation.usable)));
    if (group.blocked > 0) {
        evidence.push_back(fmt::format(
            "{} for their locks at this moment.",
            group.blocked == 1 ? "1 session waits" : number(group.blocked) + " sessions wait"));
    }
    if (group.holds_xmin) {
        evidence.push_back("They hold back vacuum: dead rows stay, and tables and indexes grow.");
    }
    tell_openers(group, evidence);
    tell_growth(group, evidence);
    tell_history(situation, evidence);
    const ApplicationFacts* facts =
        situation.application(group.party.application, group.party.role, group.party.database);
    if (facts != nullptr && facts->reaped.value_or(0) > 0) {
        evidence.push_back(fmt::format(
            "{} of this application ended by pg_leash so far.",
            facts->reaped == 1 ? "1 session was" : number(*facts->reaped) + " sessions were"));
    }
    return evidence;
}

// --- the finding -------------------------------------------------------------------

void rank(const Situation& situation, const LeakGroup& group, Finding& finding) {
    finding.harm = situation.harm_of_slots(group.sessions);
    finding.weight = static_cast<double>(group.sessions);
    finding.hurts = fmt::format("holds {}", counted(group.sessions, "slot"));
    if (group.exhausted_in && *group.exhausted_in < kSoon && finding.harm > Harm::kShortage) {
        finding.harm = Harm::kShortage;
        finding.hurts = fmt::format("takes the last slot in {}", duration(*group.exhausted_in));
    }
    if (group.blocked > 0) {
        finding.harm = Harm::kStandstill;
        finding.weight = static_cast<double>(group.blocked);
        finding.hurts = group.blocked == 1 ? "1 session waits for it"
                                           : number(group.blocked) + " sessions wait for it";
    }
}

// Connections of the application when nothing is forgotten any more: what it needs.
const PoolAdvice* need_of(const Situation& situation, const LeakGroup& group) {
    const ApplicationFacts* facts = application_of(situation, group);
    return group.way == LeakWay::kForgotten && facts != nullptr ? situation.pool(*facts) : nullptr;
}

void expect(const Situation& situation, const LeakGroup& group, Finding& finding) {
    const std::int64_t used = situation.evidence.connections.used;
    finding.frees = group.sessions;
    finding.expected.push_back(
        {"connections taken, at once", number(used),
         number(std::max<std::int64_t>(used - group.sessions, 0)),
         group.sessions == 1
             ? "the leaked session is ended"
             : fmt::format("the {} leaked sessions are ended", number(group.sessions))});
    if (const PoolAdvice* pool = need_of(situation, group)) {
        const std::int64_t held = application_of(situation, group)->sessions;
        finding.frees = std::max(finding.frees, held - pool->connections);
        finding.expected.push_back(
            {"connections of the application, when it is mended", number(held),
             number(std::min(held, pool->connections)),
             fmt::format(
                 "what it had in use, {} in the mean and {} or less for 99.9 % of the time: "
                 "the larger one of that and L + 2 sqrt L, times 1.25",
                 amount(pool->level), number(pool->p999))});
    }
    if (group.blocked > 0) {
        finding.expected.push_back({"sessions that wait for their locks", number(group.blocked),
                                    "0", "a lock is released when its session ends"});
    }
}

Finding finding_of(const Situation& situation, const LeakGroup& group) {
    Finding finding;
    finding.kind = "leak";
    finding.cause = cause_name(group.way);
    finding.application = group.party.application;
    finding.subject = group.party.role + '@' + group.party.database;
    finding.title = leak_title(group);
    rank(situation, group, finding);
    finding.evidence = evidence_of(situation, group);
    finding.diagnosis = leak_diagnosis(group);
    finding.fixes = leak_fixes(situation, group);
    expect(situation, group, finding);
    finding.watch.push_back({"the leaked sessions by cause; they should go, and none come",
                             "pgleash leaks " + filter_options(group.party) + " --watch 5"});
    return finding;
}

bool is_of(const std::vector<BigPool>& pools, const Party& party) {
    return std::any_of(pools.begin(), pools.end(), [&](const BigPool& pool) {
        return pool.facts->application_name == party.application &&
               pool.facts->usename == party.role && pool.facts->datname == party.database;
    });
}

}  // namespace

std::vector<LeakGroup> leak_groups(const Evidence& evidence) {
    std::vector<LeakGroup> groups;
    for (const CauseFacts& cause : evidence.causes) {
        const std::optional<LeakWay> way = way_of(cause.kind);
        if (!way || !cause.leaked || cause.sessions <= 0) {
            continue;
        }
        const auto known = std::find_if(groups.begin(), groups.end(), [&](const LeakGroup& group) {
            return group.way == *way && group.party.application == cause.application_name &&
                   group.party.role == cause.usename && group.party.database == cause.datname;
        });
        LeakGroup& group = known != groups.end() ? *known : groups.emplace_back();
        group.way = *way;
        group.party = {cause.application_name, cause.usename, cause.datname};
        add(group, cause);
    }
    for (LeakGroup& group : groups) {
        std::stable_sort(group.causes.begin(), group.causes.end(),
                         [](const auto* a, const auto* b) { return a->sessions > b->sessions; });
    }
    return groups;
}

void find_leaks(const Situation& situation, Findings& findings) {
    const std::vector<BigPool> pools = big_pools(situation);
    for (const LeakGroup& group : leak_groups(situation.evidence)) {
        // What rests in a pool that is too big was not forgotten.
        const bool is_told = group.way == LeakWay::kForgotten && is_of(pools, group.party);
        if (!is_told) {
            findings.push_back(finding_of(situation, group));
        }
    }
}

}  // namespace leash::tool::plan
