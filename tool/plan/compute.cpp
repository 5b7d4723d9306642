// What keeps a server awake that is paid by the hour and would suspend itself when idle.
#include <algorithm>

#include <fmt/format.h>

#include "plan/fixes.h"
#include "plan/rules.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

// A day and a night, lest office hours be taken for all.
constexpr std::int64_t kEnoughMinutes = std::int64_t{24} * 60;
// Of the time that is known, what an application alone keeps the server awake.
constexpr double kLongAlone = 0.2;
// Of the minutes in which it ran anything, the part that it worked: above, it is needed.
constexpr double kHardlyWorks = 0.01;
constexpr double kMinute = 60;

const ComputeFacts* whole(const Evidence& evidence) {
    const auto found =
        std::find_if(evidence.compute.begin(), evidence.compute.end(),
                     [](const ComputeFacts& facts) { return !facts.application_name; });
    return found == evidence.compute.end() ? nullptr : &*found;
}

struct Sleepless {
    const ComputeFacts* compute;
    const ApplicationFacts* facts;
    double works;  // of the minutes in which it ran anything, 0 to 1
};

std::vector<Sleepless> find_sleepless(const Situation& situation, double known_hours) {
    std::vector<Sleepless> found;
    for (const ComputeFacts& compute : situation.evidence.compute) {
        if (!compute.application_name || compute.alone_hours < kLongAlone * known_hours) {
            continue;
        }
        const ApplicationFacts* facts = situation.application(
            *compute.application_name, compute.usename.value_or(""), compute.datname.value_or(""));
        const double minutes =
            static_cast<double>(std::max<std::int64_t>(compute.active_minutes, 1));
        const double works = facts != nullptr && facts->active_time
                                 ? facts->active_time->value / (minutes * kMinute)
                                 : 1;
        if (works < kHardlyWorks) {
            found.push_back({&compute, facts, works});
        }
    }
    return found;
}

}  // namespace

void find_compute_hours(const Situation& situation, Findings& findings) {
    const ComputeFacts* server = whole(situation.evidence);
    if (server == nullptr || situation.minutes < kEnoughMinutes ||
        situation.minute_seconds < kMinute) {
        return;
    }
    const double known_hours = std::min(static_cast<double>(situation.minutes) / 60, 168.0);
    for (const Sleepless& one : find_sleepless(situation, known_hours)) {
        const Party party{one.facts->application_name, one.facts->usename, one.facts->datname};
        Finding finding;
        finding.kind = "compute hours";
        finding.application = party.application;
        finding.subject = party.role + '@' + party.database;
        finding.title = fmt::format("{} keeps the server awake",
                                    party.application.empty() ? "An application without a name"
                                                              : code(party.application, 63));
        finding.harm = Harm::kWaste;
        finding.weight = one.compute->alone_hours / 1000;
        finding.hurts = fmt::format("{} hours in a week, where these are paid for",
                                    amount(one.compute->alone_hours));
        finding.evidence.push_back(fmt::format(
            "In the last {} the server was awake for {} hours, if it suspends itself after five "
            "minutes; for {} of them because of {} alone.",
            duration(known_hours * 3600), amount(server->compute_hours),
            amount(one.compute->alone_hours), party.who()));
        finding.evidence.push_back(
            fmt::format("It ran statements in {}, and worked for {} of that time.",
                        counted(one.compute->active_minutes, "minute"), percent(one.works)));
        finding.diagnosis =
            "Compute hours: what it does is little and comes often: a pool that pings, a job that "
            "polls, a monitor. Where a server is paid by the hour and suspends itself, that is "
            "what "
            "the hours are paid for; elsewhere it costs nothing.";
        Fix fix;
        fix.when = When::kWeek;
        fix.what =
            "Let it rest: no pings or keepalive queries of the pool, a poll that is paused or "
            "made rare at night, LISTEN instead of polling, monitoring by the provider's own "
            "means.";
        fix.risk = "the first request after a rest waits until the server is awake";
        fix.undo = "set the old interval again";
        finding.fixes.push_back(fix);
        finding.expected.push_back(
            {"compute hours in a week", amount(server->compute_hours * 168 / known_hours),
             amount((server->compute_hours - one.compute->alone_hours) * 168 / known_hours),
             "less those in which nobody else ran anything; scaled to a week"});
        finding.watch.push_back(
            {"hours, and whom they are for", "psql -c 'SELECT * FROM leash.compute_hours()'"});
        findings.push_back(std::move(finding));
    }
}

}  // namespace leash::tool::plan
