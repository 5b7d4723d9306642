// What several rules ask of the evidence, found out once.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "advice/settings.h"
#include "evidence/evidence.h"
#include "plan/finding.h"

namespace leash::tool::plan {

struct Situation {
    explicit Situation(const Evidence& all);

    const Evidence& evidence;
    Instant now;

    std::vector<MinuteFacts> history;  ///< of the week before now, oldest first
    std::int64_t ahead = 0;            ///< minutes that were left out: later than now

    // --- the slots
    std::int64_t usable = 0;         ///< what ordinary roles can take
    std::int64_t peak = 0;           ///< the most that were taken, in the time that is known
    std::optional<Instant> peak_at;  ///< its minute
    std::int64_t refused = 0;        ///< for lack of a slot, in the last day
    std::optional<RefusalFacts> worst_refusals;  ///< the minute with most of them

    // --- what is known, and for how long
    Instant since;
    double seconds = 0;          ///< from then till now; 0 when the clock went back
    double minute_seconds = 60;  ///< of the history; shorter in tests
    std::int64_t minutes = 0;    ///< that the history knows of, or that would fit

    // --- what statements took
    double statement_seconds = 0;  ///< the time that the totals of slow ones are of
    double active_seconds = 0;     ///< of all applications in it, in statements

    PoolPlan pools;  ///< also where little is known; each says how sure it is
    std::vector<SettingAdvice> settings;

    /// Slots as a share of those that can be had, 0 to 1 and above.
    double share(std::int64_t slots) const;

    const ApplicationFacts* application(const std::string& name, const std::string& role,
                                        const std::string& database) const;
    /// For how long an application has been known, whatever of it is in the history; 0: not
    /// at all.
    double known_seconds(const ApplicationFacts& facts) const;
    double known_minutes(const ApplicationFacts& facts) const;

    const PoolAdvice* pool(const ApplicationFacts& facts) const;
    const SettingAdvice* setting(std::string_view name, const std::string& about) const;

    /// How much it hurts that so many slots are held.
    Harm harm_of_slots(std::int64_t slots) const;

private:
    void know_slots();
    void know_refusals();
    void know_statements();
    double busy_since(Instant begin) const;
};

/// 0 when the clock was set back in between.
double seconds_between(Instant from, Instant to);

/// Dumps and backups are long and read all by nature; and the tool's own sessions.
bool is_maintenance(const std::string& application);

}  // namespace leash::tool::plan
