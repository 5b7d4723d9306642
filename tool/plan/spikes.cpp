// Spikes: many sessions at once, for a few minutes.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/queueing.h"
#include "plan/fixes.h"
#include "plan/rules.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

// Fewer minutes have no usual level.
constexpr std::size_t kEnoughMinutes = 30;
// Above the usual level (the median), as a multiple of it and of the slots.
constexpr double kTimes = 2;
constexpr double kManySlots = 0.2;
// What lasts for longer than a tenth of the time is a busy time, and no spike.
constexpr double kFew = 0.1;
// Of the rise, what must have worked at once: else connections were opened and not used.
constexpr double kWorked = 0.5;
// An application whose own peak is that part of the rise may have caused it.
constexpr double kMuch = 0.5;

// For so many seconds the pools that we advise let a request wait for a connection; within
// that time the work of a spike should be done.
constexpr double kPatience = 10;

constexpr std::size_t kMostShown = 5;

// Minutes with a high level, one behind the other.
struct Run {
    const MinuteFacts* first = nullptr;
    std::int64_t minutes = 0;
    double work = 0;        // session-seconds, beyond the usual
    double worst_work = 0;  // of one minute
};

struct Spike {
    std::int64_t usual = 0;
    std::int64_t usual_in_use = 0;
    double usual_work = 0;  // of a minute
    const MinuteFacts* peak = nullptr;
    // Of its minutes the one with most in use: who comes at the end of one works in the next.
    const MinuteFacts* busiest = nullptr;
    std::vector<Run> runs;  // oldest first
    std::int64_t minutes = 0;
    std::int64_t refused = 0;
};

template <class Value>
auto median(const std::vector<MinuteFacts>& history, Value&& value) {
    std::vector<decltype(value(history.front()))> values;
    for (const MinuteFacts& minute : history) {
        values.push_back(value(minute));
    }
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

// Without leaked sessions, which stay.
std::int64_t level(const MinuteFacts& minute) {
    return std::max<std::int64_t>(minute.used_peak - minute.leaked, 0);
}

std::int64_t in_use(const MinuteFacts& minute) {
    return minute.in_use_peak - minute.leaked;
}

void collect(const std::vector<MinuteFacts>& history, std::int64_t high, Spike& spike) {
    bool before = false;
    for (const MinuteFacts& minute : history) {
        const bool now = level(minute) >= high;
        if (now) {
            if (!before) {
                spike.runs.push_back({&minute, 0, 0, 0});
            }
            const double work = std::max(minute.busy_seconds - spike.usual_work, 0.0);
            Run& run = spike.runs.back();
            ++run.minutes;
            run.work += work;
            run.worst_work = std::max(run.worst_work, work);
            if (spike.busiest == nullptr || in_use(minute) > in_use(*spike.busiest)) {
                spike.busiest = &minute;
            }
            ++spike.minutes;
            spike.refused += minute.refused;
        }
        before = now;
    }
}

std::optional<Spike> judge(const Situation& situation) {
    const std::vector<MinuteFacts>& history = situation.history;
    if (history.size() < kEnoughMinutes) {
        return std::nullopt;
    }
    Spike spike;
    spike.usual = median(history, level);
    spike.usual_in_use = median(history, [](const auto& minute) { return minute.in_use_peak; });
    spike.usual_work = median(history, [](const auto& minute) { return minute.busy_seconds; });
    spike.peak =
        &*std::max_element(history.begin(), history.end(),
                           [](const auto& a, const auto& b) { return level(a) < level(b); });
    const std::int64_t rise = level(*spike.peak) - spike.usual;
    if (static_cast<double>(level(*spike.peak)) < kTimes * static_cast<double>(spike.usual) ||
        situation.share(rise) < kManySlots) {
        return std::nullopt;
    }
    collect(history, spike.usual + (rise + 1) / 2, spike);
    const bool is_short =
        static_cast<double>(spike.minutes) <= kFew * static_cast<double>(history.size());
    const bool worked = static_cast<double>(in_use(*spike.busiest) - spike.usual_in_use) >=
                        kWorked * static_cast<double>(rise);
    return is_short && worked ? std::optional(spike) : std::nullopt;
}

// Whose own peak is a good part of the rise; the largest first.
std::vector<const ApplicationFacts*> who_rose(const Situation& situation, const Spike& spike) {
    const double rise = static_cast<double>(level(*spike.peak) - spike.usual);
    std::vector<const ApplicationFacts*> found;
    for (const ApplicationFacts& facts : situation.evidence.applications) {
        const bool many = static_cast<double>(facts.in_use_peak.value_or(0)) >= kMuch * rise;
        const bool unusual = static_cast<double>(facts.in_use_peak.value_or(0)) >=
                             kTimes * std::max(facts.in_use_mean.value_or(0), 1.0);
        if (many && unusual) {
            found.push_back(&facts);
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
        return a->in_use_peak.value_or(0) > b->in_use_peak.value_or(0);
    });
    return found;
}

void tell(const Situation& situation, const Spike& spike,
          const std::vector<const ApplicationFacts*>& who, Finding& finding) {
    finding.evidence.push_back(fmt::format(
        "In the minute {} up to {} were there, of which {} were in use at once; usually there are "
        "{} (the median of {}).",
        moment(spike.peak->minute), counted(spike.peak->used_peak, "session"),
        number(spike.busiest->in_use_peak), number(spike.usual),
        counted(static_cast<std::int64_t>(situation.history.size()), "minute")));
    std::vector<std::string> begins;
    for (const Run& run : spike.runs) {
        if (begins.size() < kMostShown) {
            begins.push_back(moment(run.first->minute));
        }
    }
    const auto runs = static_cast<std::int64_t>(spike.runs.size());
    finding.evidence.push_back(fmt::format("That happened {}, in {}; it began {}{}.",
                                           runs == 1 ? "once" : fmt::format("{} times", runs),
                                           counted(spike.minutes, "minute"), listed(begins),
                                           spike.runs.size() > begins.size() ? " and more" : ""));
    if (spike.refused > 0) {
        finding.evidence.push_back(fmt::format(
            "{} refused in these minutes: as many as could not get in, and the peak is a "
            "lower bound.",
            spike.refused == 1 ? "1 connection was" : number(spike.refused) + " connections were"));
    }
    for (std::size_t i = 0; i < std::min(who.size(), kMostShown); ++i) {
        const ApplicationFacts& facts = *who[i];
        finding.evidence.push_back(fmt::format(
            "{} had up to {} in use at once, and {} in the mean.",
            Party{facts.application_name, facts.usename, facts.datname}.who(),
            counted(*facts.in_use_peak, "session"), amount(facts.in_use_mean.value_or(0))));
    }
}

// The most work that came at once.
double burst_of(const Situation& situation, const Spike& spike) {
    double most = 0;
    for (const Run& run : spike.runs) {
        most = std::max(most, situation.minute_seconds >= kPatience ? run.worst_work : run.work);
    }
    return most;
}

// What was measured has the spike in it, and would ask for a pool as large as that.  Taken is
// what is in use without it, and beside that its work within the time that requests wait.
PoolAdvice bounded(const Situation& situation, const Spike& spike, const ApplicationFacts& facts,
                   const PoolAdvice& measured) {
    double extra = 0;
    for (const Run& run : spike.runs) {
        extra += run.work;
    }
    const double known = situation.known_seconds(facts);
    PoolAdvice pool = measured;
    pool.level = known > 0 ? std::max(measured.level - extra / known, 0.0) : 0;
    pool.level += burst_of(situation, spike) / kPatience;
    const std::int64_t need = std::min<std::int64_t>(square_root_pool(pool.level),
                                                     std::max<std::int64_t>(measured.need, 1));
    pool.per_instance = (need + pool.instances - 1) / pool.instances;
    pool.connections = pool.per_instance * pool.instances;
    pool.pooler_size += pool.connections - measured.with_headroom;
    pool.pooler_database_size += pool.connections - measured.with_headroom;
    return pool;
}

void expect(const Situation& situation, const Spike& spike, const PoolAdvice& pool,
            std::int64_t its_peak, Finding& finding) {
    const std::int64_t after = spike.usual + pool.connections;
    finding.expected.push_back(
        {"connections, at such a peak", number(spike.peak->used_peak),
         number(std::min(after, spike.peak->used_peak)),
         fmt::format("the usual {} and the pool's {}; the others wait in the application",
                     number(spike.usual), number(pool.connections))});
    const double work = burst_of(situation, spike);
    if (work > 0 && its_peak > 0) {
        const auto text = [&](std::int64_t at_once) {
            return fmt::format("{} with {} at once", duration(work / static_cast<double>(at_once)),
                               number(at_once));
        };
        finding.expected.push_back(
            {"the work of such a spike takes at least", text(its_peak), text(pool.connections),
             fmt::format(
                 "{} of statements, divided by how many run at once; the pool is ceil(L + 2 "
                 "sqrt L), where L is the usual level and this work within {} seconds",
                 duration(work), kPatience)});
    }
}

void add_fixes(const Situation& situation, const Spike& spike, const ApplicationFacts& facts,
               Finding& finding) {
    const PoolAdvice* measured = situation.pool(facts);
    if (measured == nullptr) {
        return;
    }
    const PoolAdvice pool = bounded(situation, spike, facts, *measured);
    const std::int64_t its_peak = facts.in_use_peak.value_or(0);
    finding.fixes = limit_pool(pool);
    finding.fixes.push_back(put_pooler(pool));
    finding.frees = std::max<std::int64_t>(its_peak - pool.connections, 0);
    expect(situation, spike, pool, its_peak, finding);
}

Fix spread_out() {
    Fix fix;
    fix.when = When::kWeek;
    fix.what =
        "Find what starts so many at once (a timer on the full minute, a deploy, a cache that "
        "ran empty, retries without a pause), and spread it: a random delay in front of timed "
        "work, a limit on how many run at a time, pauses that double between retries.";
    fix.risk = "timed work ends a little later";
    fix.undo = "revert the change";
    return fix;
}

}  // namespace

void find_spikes(const Situation& situation, Findings& findings) {
    const auto spike = judge(situation);
    if (!spike) {
        return;
    }
    const std::vector<const ApplicationFacts*> who = who_rose(situation, *spike);
    const std::int64_t rise = level(*spike->peak) - spike->usual;
    Finding finding;
    finding.kind = "spike";
    finding.title = fmt::format("{} at once, where {} are usual",
                                counted(spike->peak->used_peak, "session"), number(spike->usual));
    if (!who.empty()) {
        finding.application = who.front()->application_name;
        finding.subject = who.front()->usename + '@' + who.front()->datname;
        finding.title = fmt::format("{} comes with {} at once",
                                    who.front()->application_name.empty()
                                        ? "An application without a name"
                                        : code(who.front()->application_name, 63),
                                    counted(*who.front()->in_use_peak, "request"));
    }
    finding.harm = situation.harm_of_slots(rise);
    if (spike->refused > 0) {
        finding.harm = Harm::kRefused;
    }
    finding.weight = static_cast<double>(rise);
    finding.hurts =
        fmt::format("takes {} for {}", counted(rise, "slot"), counted(spike->minutes, "minute"));
    tell(situation, *spike, who, finding);
    finding.diagnosis =
        "Spike: for a few minutes many work at once, and before and after few do. No session was "
        "forgotten, and the usual load needs no more connections: what is missing is a bound on "
        "how "
        "many work at a time.";
    if (!who.empty()) {
        add_fixes(situation, *spike, *who.front(), finding);
    }
    finding.fixes.push_back(spread_out());
    finding.watch.push_back(
        {"the peaks of the last day, minute by minute",
         "psql -c \"SELECT minute, used_peak, in_use_peak, opened, refused FROM leash.history "
         "WHERE "
         "minute > now() - interval '1 day' ORDER BY used_peak DESC LIMIT 20\""});
    findings.push_back(std::move(finding));
}

}  // namespace leash::tool::plan
