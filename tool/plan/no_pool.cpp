// No pool: a connection is opened for each request, and closed again.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "plan/fixes.h"
#include "plan/rules.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

// No pool lets go sooner: node-postgres, the most impatient, after ten seconds.
constexpr double kShortLife = 10;
// Requests run a handful of statements; a pool's connections run thousands.
constexpr double kFewStatements = 20;
// Opened in a second, on average.  Scripts and checks of a monitor stay below.
constexpr double kOpensPerSecond = 1;
// Fewer say nothing of a habit.
constexpr std::int64_t kEnoughSessions = 100;
// The busiest tenth of the minutes opened most of them: that is a spike, and no habit.
constexpr double kMostInATenth = 0.8;
constexpr std::size_t kRecentMinutes = 60;

// The part of what was opened that fell into the busiest tenth of the minutes since then.
double in_busiest_tenth(const Situation& situation, const ApplicationFacts& facts) {
    std::vector<double> opened;
    double sum = 0;
    for (const MinuteFacts& minute : situation.history) {
        if (!facts.known_since || seconds_between(minute.minute, *facts.known_since) == 0) {
            opened.push_back(static_cast<double>(minute.opened));
            sum += opened.back();
        }
    }
    if (opened.size() < 10 || sum <= 0) {
        return 0;
    }
    std::sort(opened.begin(), opened.end(), std::greater<>());
    double busiest = 0;
    for (std::size_t i = 0; i < (opened.size() + 9) / 10; ++i) {
        busiest += opened[i];
    }
    return busiest / sum;
}

// What the server opened in the last hour, a second; the application's part of it as of all.
double recent_rate(const Situation& situation, const ApplicationFacts& facts) {
    const std::vector<MinuteFacts>& history = situation.history;
    const std::int64_t total = situation.evidence.connections.opened_total.value_or(0);
    if (history.empty() || total <= 0) {
        return 0;
    }
    const std::size_t count = std::min(history.size(), kRecentMinutes);
    double opened = 0;
    for (std::size_t i = history.size() - count; i < history.size(); ++i) {
        opened += static_cast<double>(history[i].opened);
    }
    const double part =
        std::min(static_cast<double>(facts.opened.value_or(0)) / static_cast<double>(total), 1.0);
    return part * opened / (static_cast<double>(count) * situation.minute_seconds);
}

struct Habit {
    const ApplicationFacts* facts;
    double rate;        // sessions opened a second
    double statements;  // of a session
};

std::optional<Habit> judge(const Situation& situation, const ApplicationFacts& facts) {
    const std::int64_t ended = facts.ended.value_or(0);
    if (ended < kEnoughSessions || !facts.mean_lifetime ||
        facts.mean_lifetime->value > kShortLife) {
        return std::nullopt;
    }
    const double seconds = situation.known_seconds(facts);
    const double mean = seconds > 0 ? static_cast<double>(ended) / seconds : 0;
    const Habit habit{&facts, std::max(mean, recent_rate(situation, facts)),
                      static_cast<double>(facts.statements.value_or(0)) /
                          static_cast<double>(std::max<std::int64_t>(facts.opened.value_or(0), 1))};
    const bool is_habit = habit.rate >= kOpensPerSecond && habit.statements <= kFewStatements &&
                          in_busiest_tenth(situation, facts) <= kMostInATenth;
    return is_habit ? std::optional(habit) : std::nullopt;
}

void tell(const Situation& situation, const Habit& habit, Finding& finding) {
    const ApplicationFacts& facts = *habit.facts;
    finding.evidence.push_back(fmt::format(
        "{} opened {} in {}, {} a second. They lived for {} in the mean, and "
        "ran {} statement{} each.",
        Party{facts.application_name, facts.usename, facts.datname}.who(),
        counted(facts.opened.value_or(0), "session"), duration(situation.known_seconds(facts)),
        amount(habit.rate), duration(facts.mean_lifetime->value), amount(habit.statements),
        amount(habit.statements) == "1" ? "" : "s"));
    finding.evidence.push_back(
        fmt::format("At most {} were there at one time, and {} in the mean were in use.",
                    counted(facts.sessions_peak.value_or(facts.sessions), "session"),
                    amount(facts.in_use_mean.value_or(0))));
    if (const auto total = situation.evidence.connections.opened_total; total && *total > 0) {
        finding.evidence.push_back(fmt::format(
            "{} of all sessions that the server opened were its.",
            percent(std::min(
                static_cast<double>(facts.opened.value_or(0)) / static_cast<double>(*total),
                1.0))));
    }
}

Finding finding_of(const Situation& situation, const Habit& habit) {
    const ApplicationFacts& facts = *habit.facts;
    const Party party{facts.application_name, facts.usename, facts.datname};
    const PoolAdvice* pool = situation.pool(facts);
    const std::int64_t peak = facts.sessions_peak.value_or(facts.sessions);
    Finding finding;
    finding.kind = "no pool";
    finding.application = facts.application_name;
    finding.subject = facts.usename + '@' + facts.datname;
    finding.title = fmt::format("{} opens a connection for each request: {} a second",
                                facts.application_name.empty() ? "An application without a name"
                                                               : code(facts.application_name, 63),
                                amount(habit.rate));
    // Each request waits for its connection.
    finding.harm = std::min(situation.harm_of_slots(peak), Harm::kSlow);
    finding.weight = finding.harm == Harm::kSlow ? habit.rate : static_cast<double>(peak);
    finding.hurts = "each request waits for a new process and a login";
    tell(situation, habit, finding);
    finding.diagnosis =
        "No pool: a connection is opened for each request and closed again, or the pool is made "
        "anew each time. Each costs the server a process, a login and cold caches, and in busy "
        "moments as many slots as there are requests.";
    finding.expected.push_back({"sessions opened an hour", number(std::llround(habit.rate * 3600)),
                                pool != nullptr ? number(pool->connections) + ", once" : "few",
                                "a pool opens its connections once and keeps them"});
    if (pool != nullptr) {
        finding.fixes = limit_pool(*pool);
        finding.fixes.front().what =
            "Use one pool for the whole process, made once. " + finding.fixes.front().what;
        finding.fixes.push_back(put_pooler(*pool));
        finding.frees = std::max<std::int64_t>(peak - pool->connections, 0);
        finding.expected.push_back(
            {"its connections, at the peak", number(peak), number(pool->connections),
             fmt::format(
                 "L = {} in use in the mean; the larger one of p99.9 and L + 2 sqrt L, times "
                 "1.25",
                 amount(pool->level))});
    }
    finding.watch.push_back({"ended and opened should stand still",
                             "pgleash apps " + filter_options(party) + " --watch 5"});
    return finding;
}

}  // namespace

void find_no_pool(const Situation& situation, Findings& findings) {
    for (const ApplicationFacts& facts : situation.evidence.applications) {
        if (const auto habit = judge(situation, facts)) {
            findings.push_back(finding_of(situation, *habit));
        }
    }
}

}  // namespace leash::tool::plan
