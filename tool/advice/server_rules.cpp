// Settings of the server that contradict its load.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "advice/pool_notes.h"
#include "advice/quoting.h"
#include "advice/setting_rules.h"

namespace leash::tool {
namespace {

constexpr double kDay = 86'400;
constexpr std::int64_t kReservedForRoles = 160'000;  // the version that has them
constexpr std::int64_t kSlotsReserved = 3;
constexpr std::int64_t kUsualConnections = 100;
constexpr double kFarAbove = 3;
constexpr double kPoorHits = 0.9;
constexpr double kEnoughBlocks = 1'000'000;
constexpr double kBlock = 8192;
constexpr double kMega = 1024.0 * 1024;

double measured_for(const Evidence& evidence) {
    const std::int64_t since = std::max(evidence.connections.stats_reset.value_or(Instant{}).us,
                                        evidence.server.started_at.us);
    return static_cast<double>(evidence.server.now.us - since) / 1e6;
}

std::int64_t usable(const ConnectionFacts& connections) {
    return connections.max_connections - connections.reserved;
}

std::int64_t refused_for_want_of_slots(const ConnectionFacts& connections) {
    return connections.refused_too_many_clients.value_or(0) +
           connections.refused_reserved_slots.value_or(0);
}

bool was_full(const ConnectionFacts& connections) {
    return refused_for_want_of_slots(connections) > 0 ||
           connections.peak_used.value_or(0) >= usable(connections);
}

std::string full_text(const ConnectionFacts& connections) {
    const std::int64_t refused = refused_for_want_of_slots(connections);
    return fmt::format("{} of {} connections were taken at the peak{}",
                       connections.peak_used.value_or(connections.used),
                       connections.max_connections,
                       refused > 0 ? ", and " + counted(refused, "connection") + " refused" : "");
}

// Every pool is measured, and long enough for a decision that needs a restart.
bool is_sure(const PoolPlan& plan) {
    return !plan.pools.empty() &&
           std::all_of(plan.pools.begin(), plan.pools.end(), [](const PoolAdvice& pool) {
               return pool.advised() && pool.confidence >= Confidence::kMedium;
           });
}

}  // namespace

void advise_tracking(const Evidence& evidence, SettingList& list) {
    const auto setting =
        std::find_if(evidence.settings.begin(), evidence.settings.end(),
                     [](const SettingFacts& one) { return one.name == "track_activities"; });
    if (setting == evidence.settings.end() || setting->setting != "off") {
        return;
    }
    list.push_back({"track_activities", "the server",
                    "track_activities is off: the state of sessions is not known, so that levels "
                    "are too low, and no session can be judged or ended",
                    "ALTER SYSTEM SET track_activities = on;\nSELECT pg_reload_conf();\n",
                    "without it neither pool sizes nor verdicts can be trusted", "none",
                    "ALTER SYSTEM RESET track_activities;\nSELECT pg_reload_conf();\n"});
}

// Somebody must get in when every slot is taken.
void advise_reserve(const Evidence& evidence, SettingList& list) {
    if (!was_full(evidence.connections)) {
        return;
    }
    const bool has_roles = evidence.server.version_number >= kReservedForRoles;
    if (has_roles && server_setting(evidence, "reserved_connections") == 0.0) {
        list.push_back(
            {"reserved_connections", "the server",
             full_text(evidence.connections) + "; none is reserved for monitoring",
             fmt::format("ALTER SYSTEM SET reserved_connections = {};  -- needs a restart\n"
                         "GRANT pg_use_reserved_connections TO ROLE;  -- that of the monitoring\n",
                         kSlotsReserved),
             "monitoring still gets in when all others are turned away",
             "so many slots less for "
             "all others",
             "ALTER SYSTEM RESET reserved_connections;\n"});
    }
    const auto superusers = server_setting(evidence, "superuser_reserved_connections");
    if (superusers && *superusers < static_cast<double>(kSlotsReserved)) {
        list.push_back({"superuser_reserved_connections", "the server",
                        fmt::format("{}; superuser_reserved_connections is {:.0f}",
                                    full_text(evidence.connections), *superusers),
                        fmt::format("ALTER SYSTEM SET superuser_reserved_connections = {};  -- "
                                    "needs a restart\n",
                                    kSlotsReserved),
                        "a superuser still gets in when all others are turned away",
                        "so many slots less for all others",
                        "ALTER SYSTEM RESET superuser_reserved_connections;\n"});
    }
}

// A role that takes far more than it needs can take the others' slots.
void advise_role_limits(const Evidence& evidence, const PoolPlan& plan, SettingList& list) {
    if (!was_full(evidence.connections)) {
        return;
    }
    struct Taken {
        std::int64_t sessions = 0;
        std::int64_t needed = 0;
        bool sure = true;
    };
    std::map<std::string, Taken> roles;
    for (const PoolAdvice& pool : plan.pools) {
        Taken& taken = roles[pool.usename];
        taken.sessions += pool.sessions_peak.value_or(pool.sessions);
        taken.needed = std::max(taken.needed, pool.role_connections);
        taken.sure = taken.sure && pool.advised() && !pool.collecting && !pool.capped;
    }
    for (const auto& [role, taken] : roles) {
        if (role.empty() || !taken.sure || taken.sessions <= 2 * taken.needed) {
            continue;
        }
        list.push_back(
            {"CONNECTION LIMIT", "role " + role,
             fmt::format("{}; this role had up to {} and needs {}", full_text(evidence.connections),
                         counted(taken.sessions, "session"), taken.needed),
             fmt::format("ALTER ROLE {} CONNECTION LIMIT {};\n", sql_name(role), taken.needed),
             "a leak or a spike of this role can no longer take the slots of all others",
             "its own connections beyond that are refused (53300): set its pools first, and twice "
             "as many where a deploy runs old and new instances at once",
             fmt::format("ALTER ROLE {} CONNECTION LIMIT -1;\n", sql_name(role))});
    }
}

void advise_max_connections(const Evidence& evidence, const PoolPlan& plan, SettingList& list) {
    const ConnectionFacts& connections = evidence.connections;
    if (!is_sure(plan) || measured_for(evidence) < kDay) {
        return;
    }
    if (refused_for_want_of_slots(connections) > 0 && !plan.over) {
        list.push_back(
            {"max_connections", "the server",
             fmt::format("{}; pools of the size advised take {} of the {} that there are to share",
                         full_text(connections), plan.wanted, plan.limit),
             "", "it need not be raised: the sessions that fill it are not needed", "", ""});
        return;
    }
    const std::int64_t used =
        std::max(plan.wanted, connections.peak_used.value_or(usable(connections)));
    const auto far =
        static_cast<double>(usable(connections)) > kFarAbove * static_cast<double>(used);
    if (connections.max_connections <= kUsualConnections || !far) {
        return;
    }
    const std::int64_t enough = std::max(kUsualConnections, (2 * used + 9) / 10 * 10);
    list.push_back(
        {"max_connections", "the server",
         fmt::format("max_connections is {}, no more than {} were taken in {}, and pools of the "
                     "size advised take {}",
                     connections.max_connections, connections.peak_used.value_or(connections.used),
                     duration_text(Seconds{measured_for(evidence)}), plan.wanted),
         fmt::format("ALTER SYSTEM SET max_connections = {};  -- needs a restart\n", enough),
         "a leak is noticed before it hurts, and shared memory is not spent on slots that nobody "
         "uses",
         "who comes beyond it is refused; a standby needs at least as many as its primary, so it "
         "is restarted last",
         fmt::format("ALTER SYSTEM SET max_connections = {};\n", connections.max_connections)});
}

void advise_shared_buffers(const Evidence& evidence, SettingList& list) {
    double hit = 0;
    double read = 0;
    for (const DatabaseFacts& database : evidence.databases) {
        hit += static_cast<double>(database.blks_hit);
        read += static_cast<double>(database.blks_read);
    }
    const auto buffers = server_setting(evidence, "shared_buffers");
    const bool poor = hit + read >= kEnoughBlocks && hit / (hit + read) < kPoorHits;
    if (!poor || !buffers || *buffers * kBlock > 128 * kMega) {
        return;
    }
    list.push_back(
        {"shared_buffers", "the server",
         fmt::format(
             "shared_buffers is {:.0f} MB, and {:.0f} % of {:.0f} million blocks were found "
             "in it{}",
             *buffers * kBlock / kMega, 100 * hit / (hit + read), (hit + read) / 1e6,
             evidence.indexes.empty() ? ""
                                      : "; slow statements that lack an index read part of "
                                        "them (pgleash advise indexes)"),
         "",
         "a quarter of the machine's memory, which cannot be seen from here, is the usual start; "
         "it needs a restart",
         "", ""});
}

void advise_work_mem(const Evidence& evidence, SettingList& list) {
    const auto work_mem = server_setting(evidence, "work_mem");  // kB
    const SlowFacts* worst = nullptr;
    for (const SlowFacts& slow : evidence.slow) {
        if (slow.temp_blks_written > 0 && slow.calls > 0 && !slow.usename.empty() &&
            (worst == nullptr || slow.temp_blks_written > worst->temp_blks_written)) {
            worst = &slow;
        }
    }
    if (!work_mem || worst == nullptr ||
        role_setting(evidence, worst->usename, "work_mem").has_value()) {
        return;
    }
    const double spilled =
        static_cast<double>(worst->temp_blks_written) * kBlock / static_cast<double>(worst->calls);
    // What is sorted takes about twice as much in memory as on disk.
    const double wanted = std::exp2(std::ceil(std::log2(std::max(2 * spilled / kMega, 1.0))));
    constexpr double kMost = 256;
    if (wanted > kMost || wanted * 1024 <= *work_mem) {
        return;
    }
    list.push_back(
        {"work_mem", "role " + worst->usename,
         fmt::format("a slow statement wrote {:.1f} MB of temporary files each time ({}), and "
                     "work_mem is {:.0f} MB: {}",
                     spilled / kMega, counted(worst->calls, "time"), *work_mem / 1024,
                     worst->query),
         fmt::format("ALTER ROLE {} SET work_mem = '{:.0f}MB';\n", sql_name(worst->usename),
                     wanted),
         "sorts and hashes of this size stay in memory",
         "each sort and hash of each session may take so much: look at the memory that is free",
         fmt::format("ALTER ROLE {} RESET work_mem;\n", sql_name(worst->usename))});
}

}  // namespace leash::tool
