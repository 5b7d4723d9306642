#include "plan/situation.h"

#include <algorithm>
#include <iterator>

#include "core/glob.h"
#include "core/health.h"
#include "evidence/history.h"

namespace leash::tool::plan {
namespace {

constexpr double kDay = 86'400;

// Below, nobody is refused because of these slots alone, even on a full server.
constexpr double kManySlots = 0.1;
constexpr double kNearlyFull = kConnectionLimits.warning;
// Counters begin when the server does, give or take this.
constexpr double kStart = 60;
// Two counts of the same that differ by that factor did not begin at the same time.
constexpr double kMoreThanChance = 1.1;

bool is_lack_of_slots(const RefusalFacts& refusal) {
    return refusal.reason == "too many clients" || refusal.reason == "reserved slots";
}

std::vector<MinuteFacts> usable_history(const Evidence& evidence) {
    std::vector<MinuteFacts> history;
    std::copy_if(evidence.history.begin(), evidence.history.end(), std::back_inserter(history),
                 [&](const MinuteFacts& minute) {
                     return !is_ahead(minute.minute, evidence.server.now) &&
                            !is_earlier(minute.minute, evidence.server.now);
                 });
    std::stable_sort(
        history.begin(), history.end(),
        [](const MinuteFacts& a, const MinuteFacts& b) { return a.minute < b.minute; });
    return history;
}

// The usual step between two minutes: some may be missing, and others closer together since
// the clock was set back.
double usual_step(const std::vector<MinuteFacts>& history) {
    std::vector<double> steps;
    for (std::size_t i = 1; i < history.size(); ++i) {
        steps.push_back(seconds_between(history[i - 1].minute, history[i].minute));
    }
    std::erase(steps, 0);
    if (steps.empty()) {
        return 60;
    }
    const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
    std::nth_element(steps.begin(), middle, steps.end());
    return std::min(*middle, 60.0);
}

}  // namespace

double seconds_between(Instant from, Instant to) {
    return from < to ? static_cast<double>(to.us - from.us) / 1e6 : 0;
}

bool is_maintenance(const std::string& application) {
    constexpr const char* kGlobs[] = {"pg_dump*", "pg_basebackup*", "pgbackrest*", "barman*",
                                      "pgleash*"};
    return std::any_of(std::begin(kGlobs), std::end(kGlobs),
                       [&](const char* glob) { return glob_matches(glob, application.c_str()); });
}

Situation::Situation(const Evidence& all)
    : evidence(all), now(all.server.now), history(usable_history(all)) {
    ahead = std::count_if(all.history.begin(), all.history.end(),
                          [&](const MinuteFacts& minute) { return is_ahead(minute.minute, now); });
    know_slots();
    know_refusals();
    know_statements();
    PoolOptions options;
    options.force = true;
    pools = advise_pools(all, options);
    settings = advise_settings(all, pools);
}

void Situation::know_slots() {
    const ConnectionFacts& slots = evidence.connections;
    usable = std::max<std::int64_t>(slots.max_connections - slots.reserved, 0);
    peak = std::max(slots.used, slots.peak_used.value_or(0));
    peak_at = slots.peak_used.value_or(0) >= slots.used ? slots.peak_at : now;
    since = slots.stats_reset.value_or(evidence.server.started_at);
    if (!history.empty()) {
        // Peaks of the counters may be months old.
        const auto most = std::max_element(
            history.begin(), history.end(),
            [](const auto& a, const auto& b) { return a.used_peak < b.used_peak; });
        peak = std::max(most->used_peak, slots.used);
        peak_at = most->used_peak >= slots.used ? most->minute : now;
        since = history.front().minute;
    }
    seconds = seconds_between(since, now);
    minute_seconds = usual_step(history);
    minutes = history.empty() ? static_cast<std::int64_t>(seconds / minute_seconds)
                              : static_cast<std::int64_t>(history.size());
}

void Situation::know_refusals() {
    for (const RefusalFacts& refusal : evidence.refusals) {
        if (is_lack_of_slots(refusal) && seconds_between(refusal.minute, now) < kDay) {
            refused += refusal.refused;
            if (!worst_refusals || worst_refusals->refused < refusal.refused) {
                worst_refusals = refusal;
            }
        }
    }
}

// Slow statements and applications are counted since they were reset, each by itself, and
// outlive restarts.  When it was that slow ones were reset is known until the next restart;
// after it their time is taken as too long and their cost as too small: then less is found,
// and nothing false.
void Situation::know_statements() {
    if (evidence.server.statements_from) {
        active_seconds = evidence.server.statement_time.value_or(Seconds{}).value;
        statement_seconds = seconds_between(evidence.server.statements_since.value_or(now), now);
        return;
    }
    double slow = 0;
    for (const ApplicationFacts& facts : evidence.applications) {
        active_seconds += facts.active_time.value_or(Seconds{}).value;
        statement_seconds = std::max(statement_seconds, known_seconds(facts));
        slow += static_cast<double>(facts.slow_statements.value_or(0));
    }
    const auto total = static_cast<double>(evidence.connections.slow_statements_total.value_or(0));
    const Instant reset = evidence.connections.stats_reset.value_or(Instant{});
    if (total > slow * kMoreThanChance) {  // applications were reset, slow ones were not
        statement_seconds = std::max(statement_seconds, seconds);
        active_seconds = std::max(active_seconds, busy_since(since));
    } else if (total * kMoreThanChance < slow && !history.empty() &&
               history.front().minute < reset &&
               seconds_between(evidence.server.started_at, reset) > kStart &&
               busy_since(reset) > 0) {
        statement_seconds = seconds_between(reset, now);
        active_seconds = busy_since(reset);
    }
}

double Situation::busy_since(Instant begin) const {
    double busy = 0;
    for (const MinuteFacts& minute : history) {
        busy += minute.minute < begin ? 0 : minute.busy_seconds;
    }
    return busy;
}

double Situation::share(std::int64_t slots) const {
    return usable > 0 ? static_cast<double>(slots) / static_cast<double>(usable) : 0;
}

const ApplicationFacts* Situation::application(const std::string& name, const std::string& role,
                                               const std::string& database) const {
    for (const ApplicationFacts& facts : evidence.applications) {
        if (facts.application_name == name && facts.usename == role && facts.datname == database) {
            return &facts;
        }
    }
    return nullptr;
}

double Situation::known_seconds(const ApplicationFacts& facts) const {
    return facts.known_since ? seconds_between(*facts.known_since, now) : 0;
}

double Situation::known_minutes(const ApplicationFacts& facts) const {
    return known_seconds(facts) / minute_seconds;
}

const PoolAdvice* Situation::pool(const ApplicationFacts& facts) const {
    for (const PoolAdvice& advice : pools.pools) {
        if (advice.advised() && advice.application_name == facts.application_name &&
            advice.usename == facts.usename && advice.datname == facts.datname) {
            return &advice;
        }
    }
    return nullptr;
}

const SettingAdvice* Situation::setting(std::string_view name, const std::string& about) const {
    for (const SettingAdvice& advice : settings) {
        if (advice.name == name && advice.about == about && !advice.paste.empty()) {
            return &advice;
        }
    }
    return nullptr;
}

Harm Situation::harm_of_slots(std::int64_t slots) const {
    if (share(slots) < kManySlots) {
        return Harm::kWaste;
    }
    if (refused > 0) {
        return Harm::kRefused;
    }
    return share(peak) >= kNearlyFull ? Harm::kShortage : Harm::kWaste;
}

}  // namespace leash::tool::plan
