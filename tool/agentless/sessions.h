// Client sessions as pg_stat_activity and pg_locks tell of them, judged by the rules of
// the extension as far as what is known goes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agentless/thresholds.h"
#include "connection/connection.h"
#include "core/verdict.h"
#include "render/dataset.h"

namespace leash::tool {

/// Columns by their names in SQL; nullopt is what this user may not see.
struct PlainSession {
    std::map<std::string, Cell> cells;
    SessionFacts facts{};
    Verdict verdict{};
    std::string reason;

    Cell cell(const char* name) const {
        const auto found = cells.find(name);
        return found == cells.end() ? Cell() : found->second;
    }
    std::string text(const char* name) const { return cell(name).value_or(""); }
    /// Of another role, and this one may not look at it.
    bool is_masked() const { return !cell("backend_start"); }
    bool is_in_use() const;
};

/// One look at the server.
struct PlainSample {
    std::vector<PlainSession> sessions;  ///< the tool's own one left out
    std::int64_t now_us = 0;             ///< the server's clock
    std::size_t masked = 0;
};

/// Keeps what several looks have shown: for how long a state has lasted by this machine's
/// own clock, and the most that was seen at one time.
class PlainSampler {
public:
    explicit PlainSampler(const AgentlessThresholds& thresholds) : thresholds_(thresholds) {}

    PlainSample sample(Connection& connection);

    /// A look that had these cells; now: this machine's own clock, ns.
    PlainSample examine(std::vector<PlainSession> sessions, std::uint64_t now);

    int samples() const { return samples_; }
    std::size_t peak_used() const { return peak_used_; }
    std::int64_t peak_at() const { return peak_at_; }
    /// Of role, database and application: the most sessions seen at one time, and in use.
    struct Peaks {
        std::size_t sessions = 0;
        std::size_t in_use = 0;
    };
    Peaks peaks_of(const PlainSession& session) const;

private:
    struct Seen {
        std::string state_change;
        std::uint64_t age_then;     // ns, by the server's clock, when it was first seen
        std::uint64_t first_seen;   // monotonic, ns
        std::uint64_t waits_since;  // likewise: for its client in the middle of a command; 0: not
    };
    void measure(PlainSession& session, std::uint64_t now);
    void judge_all(std::vector<PlainSession>& sessions) const;
    void note_peaks(const PlainSample& sample);

    AgentlessThresholds thresholds_;
    std::map<std::string, Seen> seen_;
    std::map<std::string, Peaks> peaks_;
    std::size_t peak_used_ = 0;
    std::int64_t peak_at_ = 0;
    int samples_ = 0;
};

/// What sessions of one application have in common.
std::string application_key(const PlainSession& session);

}  // namespace leash::tool
