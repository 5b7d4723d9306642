#include "agentless/sessions.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <set>

#include "core/pooler_name.h"

namespace leash::tool {
namespace {

// Of those who may not be looked at, pg_stat_activity has no backend_type: whoever has a
// database and a role is most likely a client.  Lock tables are read by all.  Who waits for
// a row waits for the first who does, so that blockers are followed.
constexpr const char* kSessions = R"sql(
WITH RECURSIVE activity AS MATERIALIZED (
         SELECT * FROM pg_catalog.pg_stat_activity
          WHERE backend_type = 'client backend'
             OR backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL),
     locks AS MATERIALIZED (
         SELECT pid, pg_catalog.bool_or(locktype <> 'virtualxid') AS holds_locks,
                pg_catalog.bool_or(locktype = 'advisory') AS advisory_lock
           FROM pg_catalog.pg_locks WHERE granted GROUP BY pid),
     waiting AS MATERIALIZED (
         SELECT DISTINCT pid, waitstart, pg_catalog.pg_blocking_pids(pid) AS blocked_by
           FROM pg_catalog.pg_locks WHERE NOT granted),
     blocked (blocker, pid) AS (
         SELECT pg_catalog.unnest(blocked_by), pid FROM waiting
          UNION
         SELECT blocked.blocker, waiting.pid
           FROM blocked JOIN waiting ON blocked.pid = ANY (waiting.blocked_by)),
     clock AS MATERIALIZED (SELECT pg_catalog.clock_timestamp() AS now)
SELECT a.pid,
       pg_catalog.to_hex(pg_catalog.trunc(EXTRACT(EPOCH FROM a.backend_start))::pg_catalog.int8)
           || '.' || pg_catalog.to_hex(a.pid) AS session_id,
       a.application_name, a.usename, a.usesysid, a.datname, a.datid,
       pg_catalog.host(a.client_addr) AS client_addr, a.client_port, a.state,
       a.wait_event_type, a.wait_event, a.query_id,
       pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC',
                          'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS backend_start,
       pg_catalog.to_char(a.state_change AT TIME ZONE 'UTC',
                          'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS state_change,
       pg_catalog.to_char(a.xact_start AT TIME ZONE 'UTC',
                          'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS xact_start,
       (EXTRACT(EPOCH FROM clock.now - a.backend_start) * 1000000)::pg_catalog.int8 AS connected_us,
       (EXTRACT(EPOCH FROM clock.now - a.state_change) * 1000000)::pg_catalog.int8 AS state_us,
       pg_catalog.round(EXTRACT(EPOCH FROM clock.now - a.xact_start), 6) AS xact_for,
       pg_catalog.round(EXTRACT(EPOCH FROM CASE a.state WHEN 'active'
                            THEN clock.now - a.query_start END), 6) AS statement_for,
       -- no wait is older than its statement
       CASE WHEN w.pid IS NOT NULL THEN
           GREATEST(pg_catalog.round(EXTRACT(EPOCH FROM LEAST(clock.now - w.waitstart,
               CASE a.state WHEN 'active' THEN clock.now - a.query_start END)), 6), 0)
       END AS lock_wait,
       CASE WHEN a.backend_start IS NOT NULL THEN a.query END AS last_statement,
       (a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL) AS holds_xmin,
       COALESCE(l.holds_locks, false) AS holds_locks,
       COALESCE(l.advisory_lock, false) AS advisory_lock,
       (SELECT pg_catalog.count(*) FROM blocked b
         WHERE b.blocker = a.pid AND b.pid <> a.pid) AS blocked_sessions,
       w.blocked_by,
       (EXTRACT(EPOCH FROM clock.now) * 1000000)::pg_catalog.int8 AS now_us
  FROM clock, activity a LEFT JOIN locks l USING (pid) LEFT JOIN waiting w USING (pid)
 WHERE a.pid <> pg_catalog.pg_backend_pid())sql";

constexpr const char* kNames[] = {"pid",
                                  "session_id",
                                  "application_name",
                                  "usename",
                                  "usesysid",
                                  "datname",
                                  "datid",
                                  "client_addr",
                                  "client_port",
                                  "state",
                                  "wait_event_type",
                                  "wait_event",
                                  "query_id",
                                  "backend_start",
                                  "state_change",
                                  "xact_start",
                                  "connected_us",
                                  "state_us",
                                  "xact_for",
                                  "statement_for",
                                  "lock_wait",
                                  "last_statement",
                                  "holds_xmin",
                                  "holds_locks",
                                  "advisory_lock",
                                  "blocked_sessions",
                                  "blocked_by",
                                  "now_us"};

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                          std::chrono::steady_clock::now().time_since_epoch())
                                          .count());
}

// Clocks may have been set back.
std::uint64_t nanoseconds(const std::string& us) {
    return static_cast<std::uint64_t>(std::max(0LL, std::strtoll(us.c_str(), nullptr, 10))) * 1000;
}

std::uint64_t nanoseconds(std::int64_t us) {
    return static_cast<std::uint64_t>(us) * 1000;
}

State state_of(const std::string& word) {
    for (const State state : {State::active, State::idle, State::idle_in_transaction,
                              State::idle_in_transaction_aborted, State::fastpath}) {
        if (word == name_of(state)) {
            return state;
        }
    }
    return State::unknown;
}

bool is_idle(State state) {
    return state == State::idle || state == State::idle_in_transaction ||
           state == State::idle_in_transaction_aborted;
}

ClientWait client_wait_of(const PlainSession& session) {
    if (session.text("wait_event_type") != "Client") {
        return ClientWait::none;
    }
    const std::string event = session.text("wait_event");
    return event == "ClientRead"    ? ClientWait::read
           : event == "ClientWrite" ? ClientWait::write
                                    : ClientWait::none;
}

bool waits_in_the_middle(const SessionFacts& facts) {
    return facts.client_wait == ClientWait::write ||
           (facts.client_wait == ClientWait::read && !is_idle(facts.state) &&
            facts.state != State::unknown);
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

// Only the last statement is known: what it tells for certain exempts, and nothing else.
void read_statement(SessionFacts& facts, const std::string& statement) {
    facts.statements = facts.uses = statement.empty() ? 0 : 1;
    const std::string text = upper(statement);
    facts.listens = text.starts_with("LISTEN");
    facts.backup = text.find("PG_BACKUP_START") != std::string::npos;
    facts.exported_snapshot =
        facts.state != State::idle && text.find("PG_EXPORT_SNAPSHOT") != std::string::npos;
}

SessionFacts facts_of(const PlainSession& session) {
    SessionFacts facts{};
    facts.state = state_of(session.text("state"));
    facts.client_wait = client_wait_of(session);
    facts.state_for = nanoseconds(session.text("state_us"));
    facts.connected_for = nanoseconds(session.text("connected_us"));
    facts.blocked_sessions = static_cast<std::uint32_t>(
        std::strtoul(session.text("blocked_sessions").c_str(), nullptr, 10));
    facts.holds_xmin = session.text("holds_xmin") == "t";
    facts.holds_locks = session.text("holds_locks") == "t";
    facts.advisory_lock = session.text("advisory_lock") == "t";
    read_statement(facts, session.text("last_statement"));
    return facts;
}

std::string base_name(const PlainSession& session) {
    std::string name = session.text("application_name");
    name.resize(length_without_host(name.c_str()));
    return name;
}

std::uint32_t oid(const PlainSession& session, const char* name) {
    return static_cast<std::uint32_t>(std::strtoul(session.text(name).c_str(), nullptr, 10));
}

std::string identity(const PlainSession& session) {
    return session.text("pid") + '/' + session.text("backend_start");
}

}  // namespace

bool PlainSession::is_in_use() const {
    return facts.state != State::idle && facts.state != State::unknown;
}

std::string application_key(const PlainSession& session) {
    return session.text("usename") + '\0' + session.text("datname") + '\0' + base_name(session);
}

// A state that was seen before has lasted by our own clock since.
void PlainSampler::measure(PlainSession& session, std::uint64_t now) {
    SessionFacts& facts = session.facts;
    const bool waits = waits_in_the_middle(facts);
    Seen& seen = seen_[identity(session)];
    const std::string state_change = session.text("state_change");
    if (seen.first_seen == 0 || seen.state_change != state_change) {
        seen = {state_change, facts.state_for, now, waits ? now : 0};
    } else {
        facts.state_for = seen.age_then + (now - seen.first_seen);
        seen.waits_since = !waits ? 0 : seen.waits_since != 0 ? seen.waits_since : now;
    }
    facts.stalled_for = seen.waits_since == 0 ? 0 : now - seen.waits_since;
    facts.idle_for = is_idle(facts.state) ? facts.state_for : 0;
    facts.unused_for = facts.idle_for;
}

void PlainSampler::judge_all(std::vector<PlainSession>& sessions) const {
    const Thresholds limits = {nanoseconds(thresholds_.idle_in_transaction),
                               nanoseconds(thresholds_.idle), nanoseconds(thresholds_.never_used),
                               nanoseconds(thresholds_.stalled_client)};
    std::vector<Member> members;
    for (PlainSession& session : sessions) {
        session.verdict = judge(session.facts, limits);
        members.push_back({oid(session, "usesysid"), oid(session, "datid"),
                           std::hash<std::string>()(base_name(session)), &session.facts,
                           &session.verdict, 0});
    }
    judge_pools(members.data(), members.size());
    for (PlainSession& session : sessions) {
        char reason[512];
        session.reason.assign(reason,
                              describe(session.verdict, session.facts, reason, sizeof reason));
    }
}

PlainSample PlainSampler::sample(Connection& connection) {
    const Result result = connection.run(kSessions);
    std::vector<PlainSession> sessions(static_cast<std::size_t>(result.rows()));
    for (int r = 0; r < result.rows(); ++r) {
        int column = 0;
        for (const char* name : kNames) {
            sessions[static_cast<std::size_t>(r)].cells[name] = result.value(r, column++);
        }
    }
    return examine(std::move(sessions), now_ns());
}

PlainSample PlainSampler::examine(std::vector<PlainSession> sessions, std::uint64_t now) {
    PlainSample sample;
    sample.sessions = std::move(sessions);
    std::set<std::string> there;
    for (PlainSession& session : sample.sessions) {
        session.facts = facts_of(session);
        measure(session, now);
        there.insert(identity(session));
        sample.masked += session.is_masked() ? 1 : 0;
        sample.now_us = std::strtoll(session.text("now_us").c_str(), nullptr, 10);
    }
    std::erase_if(seen_, [&](const auto& entry) { return !there.contains(entry.first); });
    judge_all(sample.sessions);
    samples_++;
    note_peaks(sample);
    return sample;
}

void PlainSampler::note_peaks(const PlainSample& sample) {
    std::map<std::string, Peaks> now;
    for (const PlainSession& session : sample.sessions) {
        Peaks& peaks = now[application_key(session)];
        peaks.sessions++;
        peaks.in_use += session.is_in_use() ? 1 : 0;
    }
    for (const auto& [key, peaks] : now) {
        Peaks& most = peaks_[key];
        most = {std::max(most.sessions, peaks.sessions), std::max(most.in_use, peaks.in_use)};
    }
    const std::size_t used = sample.sessions.size() + 1;
    if (used > peak_used_) {
        peak_used_ = used;
        peak_at_ = sample.now_us;
    }
}

PlainSampler::Peaks PlainSampler::peaks_of(const PlainSession& session) const {
    const auto found = peaks_.find(application_key(session));
    return found == peaks_.end() ? Peaks() : found->second;
}

}  // namespace leash::tool
