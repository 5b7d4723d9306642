// How many connections each application needs, from what was measured of it.  Asks
// nobody; what was not measured is not advised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evidence/evidence.h"

namespace leash::tool {

/// Less data than that is no advice but `collecting`.
inline constexpr double kEnoughSeconds = 3600;
/// Slots that pools do not get: monitoring, and whoever looks what is wrong.
inline constexpr std::int64_t kSlotsForMonitoring = 3;

struct PoolOptions {
    std::optional<std::string> app = {};         ///< a glob; nullopt: all but interactive tools
    std::optional<std::int64_t> instances = {};  ///< of each application; nullopt: addresses seen
    double headroom = 1.25;
    std::optional<std::int64_t> cores = {};  ///< of the server; nullopt: not known
    bool rolling = false;                    ///< old and new instances run at once in a deploy
    std::optional<std::int64_t> cap = {};    ///< slots to share, instead of what is usable
    std::int64_t per_request = 1;            ///< connections that one request takes at once
    std::int64_t threads = 1;                ///< requests that one instance serves at once
    bool force = false;                      ///< advise on less than an hour of data too
};

enum class Confidence { kNone, kLow, kMedium, kHigh };
const char* name_of(Confidence confidence);

/// For one pool: role x database x application_name.
struct PoolAdvice {
    std::string application_name;
    std::string usename;
    std::string datname;

    // Measured.
    Seconds known_for;    ///< levels and peaks
    Seconds counted_for;  ///< what is counted, such as statements
    std::int64_t sessions = 0;
    std::optional<std::int64_t> sessions_peak;
    std::optional<double> in_use_mean;        ///< leaked sessions included
    double leaked_level = 0;                  ///< of it, what is known to be leaked
    double level = 0;                         ///< L: what is left
    std::optional<std::int64_t> in_use_p999;  ///< leaked sessions included
    std::int64_t p999 = 0;                    ///< without those leaked for most of the time
    std::optional<std::int64_t> in_use_peak;
    std::optional<double> busy_mean;
    std::optional<std::int64_t> busy_p999;
    std::optional<std::int64_t> statements;
    std::int64_t addresses = 0;  ///< distinct ones of its sessions of now

    // What follows.  0 where nothing is advised: collecting, or not measured.
    std::int64_t formula = 0;        ///< ceil(L + 2 sqrt L), at least 2
    std::int64_t need = 0;           ///< the larger one of p999 and formula
    std::int64_t with_headroom = 0;  ///< of all instances together
    std::int64_t instances = 1;
    std::int64_t wanted_per_instance = 0;   ///< before the cap
    std::int64_t per_instance = 0;          ///< the pool size to set
    std::int64_t connections = 0;           ///< per_instance x instances, twice when rolling
    std::int64_t role_connections = 0;      ///< of all pools of its role
    std::int64_t pooler_size = 0;           ///< behind PgBouncer, for all of its role and database
    std::int64_t pooler_database_size = 0;  ///< for all of its database
    bool capped = false;

    bool measured = false;    ///< false: without the extension
    bool collecting = false;  ///< under an hour of data
    Confidence confidence = Confidence::kNone;
    std::string confidence_reason;   ///< "3d of data, less than a week"
    std::vector<std::string> notes;  ///< whole sentences, no line breaks

    bool advised() const { return per_instance > 0; }
};

struct PoolPlan {
    std::vector<PoolAdvice> pools;            ///< largest need first, then those without advice
    std::int64_t limit = 0;                   ///< slots that the pools may take together
    std::int64_t wanted = 0;                  ///< slots that they would take, before the cap
    std::int64_t connections = 0;             ///< slots that they take
    std::int64_t sessions = 0;                ///< slots that their applications take now
    bool over = false;                        ///< wanted is above the limit
    std::int64_t pooler = 0;                  ///< slots that they would take behind PgBouncer
    std::optional<std::int64_t> parallelism;  ///< cores x 2
    std::int64_t busy = 0;                    ///< at once, p99.9
    std::vector<std::string> notes;

    bool any_advised() const;
};

PoolPlan advise_pools(const Evidence& evidence, const PoolOptions& options);

}  // namespace leash::tool
