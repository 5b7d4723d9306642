// What a scrape has found, before it becomes metrics.  What is not known is not there:
// nullopt, or no row.  Times are in seconds.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leash::tool {

/// Whose something is.  Texts are valid UTF-8; empty: not known, or none.
struct Origin {
    std::string datname;
    std::string usename;
    std::string application_name;  ///< without the host that a pooler appended
    auto operator<=>(const Origin&) const = default;
};

/// Whatever is not told apart.
inline constexpr const char* kOther = "other";

/// Sessions of now with one origin and state.
struct SessionGroup {
    Origin of;
    std::string state;  ///< as in pg_stat_activity; "unknown" where it may not be seen
    std::int64_t sessions = 0;
    std::optional<double> idle_max;
    std::optional<double> xact_max;
};

struct LeakGroup {
    Origin of;
    std::string kind;
    std::int64_t sessions = 0;
};

/// Sessions that wait for a lock of sessions that are idle.
struct BlockedGroup {
    Origin of;
    std::int64_t blocked = 0;
};

/// The reasons for which sessions end, in the order of ApplicationTotals::ended.
inline constexpr std::array kEndings = {"exit", "abandoned", "fatal", "killed", "reaped"};

/// What the server knows of an application, its living sessions included.
struct ApplicationTotals {
    Origin of;
    std::string hash;       ///< of its name, as the server makes it
    std::int64_t size = 0;  ///< what it is ranked by: its sessions, now or at their peak
    std::int64_t busy = 0;
    std::int64_t busy_peak = 0;
    double active = 0;
    double idle_in_transaction = 0;
    double client_wait = 0;
    std::int64_t opened = 0;
    std::array<std::int64_t, kEndings.size()> ended{};
    std::int64_t slow_statements = 0;
};

/// A cumulative histogram; the last bound is infinite.
struct Durations {
    struct Bucket {
        double at_most = 0;
        std::uint64_t samples = 0;
    };
    std::string application_name;
    std::vector<Bucket> buckets;
    double total = 0;
};

struct DecisionGroup {
    std::string policy;  ///< empty: by hand
    std::string kind;
    std::string outcome;
    std::string mode;
    std::int64_t decisions = 0;
};

struct SlotLevels {
    std::optional<std::int64_t> max;
    std::optional<std::int64_t> reserved;
    std::optional<std::int64_t> superuser_reserved;
    std::optional<std::int64_t> used;
    std::optional<std::int64_t> authenticating;
    std::optional<std::int64_t> opened;
    std::map<std::string, std::int64_t> refused;  ///< by reason

    /// Whether ordinary roles find no slot.
    std::optional<bool> full() const {
        return max && reserved && used ? std::optional(*used >= *max - *reserved) : std::nullopt;
    }
};

struct WorkerFacts {
    std::string reaping;  ///< pg_leash.reaping; empty: not known
    std::optional<double> interval;
    std::optional<double> last_round;  ///< since 1970
};

/// Places for applications that are told apart.
struct TrackerPlaces {
    std::int64_t places = 0;
    std::int64_t used = 0;
    std::int64_t dropped = 0;  ///< sessions whose application found none
};

struct MetricsSample {
    std::string server_version;
    std::string extension_version;  ///< empty: not there
    SlotLevels slots;
    std::vector<SessionGroup> sessions;
    std::vector<LeakGroup> leaks;
    std::vector<BlockedGroup> blocked;
    bool knows_blocked = false;
    std::vector<ApplicationTotals> applications;
    std::vector<Durations> statements;
    std::vector<Durations> idle_periods;
    std::optional<std::vector<DecisionGroup>> decisions;
    std::map<std::string, std::int64_t> pools;  ///< connections advised, by application
    std::optional<WorkerFacts> worker;
    std::optional<TrackerPlaces> tracker;
};

}  // namespace leash::tool
