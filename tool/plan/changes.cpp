#include "plan/changes.h"

#include <algorithm>

#include <fmt/format.h>

#include "failure.h"
#include "plan/find.h"
#include "plan/situation.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

constexpr std::size_t kMostApplications = 10;

// Totals of a time: since the server or its counters began, or between two looks.
struct Totals {
    std::int64_t statements = 0;
    std::int64_t slow = 0;
    std::int64_t blks_hit = 0;
    std::int64_t blks_read = 0;
    std::int64_t opened = 0;

    Totals minus(const Totals& other) const {
        return {statements - other.statements, slow - other.slow, blks_hit - other.blks_hit,
                blks_read - other.blks_read, opened - other.opened};
    }
    bool has_negative() const {
        return std::min({statements, slow, blks_hit, blks_read, opened}) < 0;
    }
};

Totals totals_of(const Evidence& evidence) {
    Totals totals;
    for (const ApplicationFacts& facts : evidence.applications) {
        totals.statements += facts.statements.value_or(0);
    }
    for (const DatabaseFacts& database : evidence.databases) {
        totals.blks_hit += database.blks_hit;
        totals.blks_read += database.blks_read;
    }
    totals.slow = evidence.connections.slow_statements_total.value_or(0);
    totals.opened = evidence.connections.opened_total.value_or(0);
    return totals;
}

std::int64_t leaked(const Evidence& evidence) {
    std::int64_t sessions = 0;
    for (const CauseFacts& cause : evidence.causes) {
        sessions += cause.leaked ? cause.sessions : 0;
    }
    return sessions;
}

std::string share(std::int64_t part, std::int64_t whole) {
    return whole > 0 ? percent(static_cast<double>(part) / static_cast<double>(whole)) : "unknown";
}

std::string an_hour(std::int64_t count, double seconds) {
    return seconds > 0 ? amount(static_cast<double>(count) * 3600 / seconds) : "unknown";
}

void compare_numbers(const Situation& before, const Situation& after, Changes& changes) {
    const auto add = [&](const char* what, const std::string& was, const std::string& is) {
        changes.numbers.push_back({what, was, is});
    };
    add("connections taken", number(before.evidence.connections.used),
        number(after.evidence.connections.used));
    add("the most that were known", number(before.peak), number(after.peak));
    add("leaked sessions", number(leaked(before.evidence)), number(leaked(after.evidence)));
    add("refused in the last day", number(before.refused), number(after.refused));
    const Totals was = totals_of(before.evidence);
    Totals is = totals_of(after.evidence).minus(was);
    double seconds = seconds_between(before.now, after.now);
    if (is.has_negative()) {
        changes.notes.emplace_back(
            "Counters began anew in between: what is given as after counts since then.");
        is = totals_of(after.evidence);
        seconds = after.seconds;
    }
    add("slow statements", share(was.slow, was.statements), share(is.slow, is.statements));
    add("cache hit ratio", share(was.blks_hit, was.blks_hit + was.blks_read),
        share(is.blks_hit, is.blks_hit + is.blks_read));
    add("sessions opened an hour", an_hour(was.opened, before.seconds),
        an_hour(is.opened, seconds));
}

// Those whose number of sessions changed most.
void compare_applications(const Situation& before, const Situation& after, Changes& changes) {
    struct Sessions {
        const ApplicationFacts* facts;
        std::int64_t before;
        std::int64_t after;
    };
    std::vector<Sessions> changed;
    for (const ApplicationFacts& facts : after.evidence.applications) {
        const auto* was = before.application(facts.application_name, facts.usename, facts.datname);
        changed.push_back({&facts, was != nullptr ? was->sessions : 0, facts.sessions});
    }
    for (const ApplicationFacts& facts : before.evidence.applications) {
        if (after.application(facts.application_name, facts.usename, facts.datname) == nullptr) {
            changed.push_back({&facts, facts.sessions, 0});
        }
    }
    std::erase_if(changed, [](const Sessions& one) { return one.before == one.after; });
    std::stable_sort(changed.begin(), changed.end(), [](const Sessions& a, const Sessions& b) {
        return std::max(a.before - a.after, a.after - a.before) >
               std::max(b.before - b.after, b.after - b.before);
    });
    changed.resize(std::min(changed.size(), kMostApplications));
    for (const Sessions& one : changed) {
        changes.numbers.push_back({"sessions of " + who(one.facts->application_name,
                                                        one.facts->usename, one.facts->datname),
                                   number(one.before), number(one.after)});
    }
}

bool contains(const std::vector<Finding>& findings, const Finding& finding) {
    return std::any_of(findings.begin(), findings.end(),
                       [&](const Finding& other) { return other.id() == finding.id(); });
}

void compare_findings(const Evidence& before, const Evidence& after, Changes& changes) {
    const std::vector<Finding> was = find(before);
    const std::vector<Finding> is = find(after);
    for (const Finding& finding : was) {
        if (!contains(is, finding)) {
            changes.gone.push_back(finding.title);
        }
    }
    for (const Finding& finding : is) {
        (contains(was, finding) ? changes.still : changes.added).push_back(finding.title);
    }
}

}  // namespace

Changes compare(const Evidence& before, const Evidence& after) {
    if (after.server.now < before.server.now) {
        throw Failure(fmt::format(
            "the snapshot to compare with is of {}, which is after {}: give the older one as "
            "--before",
            moment(before.server.now), moment(after.server.now)));
    }
    Changes changes;
    changes.since = before.server.now;
    if (before.server.host != after.server.host || before.server.port != after.server.port) {
        changes.notes.push_back(
            fmt::format("The snapshot was taken as {}, this is {}: they may be two servers.",
                        code(before.server.host + ':' + before.server.port, 80),
                        code(after.server.host + ':' + after.server.port, 80)));
    }
    const Situation was(before);
    const Situation is(after);
    compare_numbers(was, is, changes);
    compare_applications(was, is, changes);
    compare_findings(before, after, changes);
    return changes;
}

}  // namespace leash::tool::plan
