#include "plan/situation.h"

#include <algorithm>

#include "core/glob.h"
#include "core/health.h"

namespace leash::tool::plan {
namespace {

constexpr double kDay = 86'400;

// Below, nobody is refused because of these slots alone, even on a full server.
constexpr double kManySlots = 0.1;
constexpr double kNearlyFull = kConnectionLimits.warning;

bool is_lack_of_slots(const RefusalFacts& refusal) {
    return refusal.reason == "too many clients" || refusal.reason == "reserved slots";
}

// The shortest step between two minutes: some may be missing, and the clock may have
// been set back.
double minute_of(const std::vector<MinuteFacts>& history) {
    double shortest = 0;
    for (std::size_t i = 1; i < history.size(); ++i) {
        const double step = seconds_between(history[i - 1].minute, history[i].minute);
        if (step > 0 && (shortest == 0 || step < shortest)) {
            shortest = step;
        }
    }
    return shortest > 0 ? std::min(shortest, 60.0) : 60;
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

Situation::Situation(const Evidence& all) : evidence(all), now(all.server.now) {
    const ConnectionFacts& slots = all.connections;
    usable = std::max<std::int64_t>(slots.max_connections - slots.reserved, 0);
    peak = std::max(slots.used, slots.peak_used.value_or(0));
    peak_at = slots.peak_used.value_or(0) >= slots.used ? slots.peak_at : now;
    since = slots.stats_reset.value_or(all.server.started_at);
    if (!all.history.empty()) {
        // Peaks of the counters may be months old.
        const auto most = std::max_element(
            all.history.begin(), all.history.end(),
            [](const auto& a, const auto& b) { return a.used_peak < b.used_peak; });
        peak = std::max(most->used_peak, slots.used);
        peak_at = most->used_peak >= slots.used ? most->minute : now;
        since = std::min(all.history.front().minute, all.history.back().minute);
    }
    seconds = seconds_between(since, now);
    minute_seconds = minute_of(all.history);
    minutes = all.history.empty() ? static_cast<std::int64_t>(seconds / minute_seconds)
                                  : static_cast<std::int64_t>(all.history.size());
    for (const RefusalFacts& refusal : all.refusals) {
        if (is_lack_of_slots(refusal) && seconds_between(refusal.minute, now) < kDay) {
            refused += refusal.refused;
            if (!worst_refusals || worst_refusals->refused < refusal.refused) {
                worst_refusals = refusal;
            }
        }
    }
    for (const ApplicationFacts& facts : all.applications) {
        active_seconds += facts.active_time.value_or(Seconds{}).value;
    }
    statement_seconds = seconds;
    if (all.server.statements_from) {
        active_seconds = all.server.statement_time.value_or(Seconds{}).value;
        statement_seconds = seconds_between(all.server.statements_since.value_or(now), now);
    }
    PoolOptions options;
    options.force = true;
    pools = advise_pools(all, options);
    settings = advise_settings(all, pools);
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
