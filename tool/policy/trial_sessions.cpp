#include "policy/trial_sessions.h"

#include <cstdlib>
#include <string_view>

#include "core/policy_names.h"

namespace leash::tool {
namespace {

// Ages in microseconds.  What a session holds back is known to pg_stat_activity alone.
constexpr const char* kSessions = R"sql(
SELECT s.session_id, s.usename, s.datname, s.application_name, pg_catalog.host(s.client_addr),
       s.state, s.wait_event, s.apparent, s.exempt,
       (EXTRACT(EPOCH FROM s.idle_for) * 1000000)::pg_catalog.int8,
       (EXTRACT(EPOCH FROM s.unused_for) * 1000000)::pg_catalog.int8,
       (EXTRACT(EPOCH FROM s.xact_for) * 1000000)::pg_catalog.int8,
       (EXTRACT(EPOCH FROM s.statement_for) * 1000000)::pg_catalog.int8,
       (EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - s.backend_start) * 1000000)
           ::pg_catalog.int8,
       s.blocked_sessions > 0,
       a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL,
       s.peer,
       r.rolsuper,
       (EXTRACT(EPOCH FROM p.learned_idle) * 1000000)::pg_catalog.int8
  FROM leash.get_sessions() s
       LEFT JOIN pg_catalog.pg_roles r ON r.rolname = s.usename
       LEFT JOIN leash.applications p
           ON p.usename = s.usename AND p.datname = s.datname
              AND p.application_name = leash.without_pooler_host(s.application_name)
       LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = s.pid
 WHERE s.pid <> pg_catalog.pg_backend_pid())sql";

constexpr const char* kJournal = R"sql(
SELECT * FROM (
    SELECT DISTINCT ON (l.session_id)
           l.session_id, l.usename, l.datname, l.application_name,
           pg_catalog.host(l.client_addr),
           pg_catalog.to_char(l.decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
               AS decided,
           l.kind, (EXTRACT(EPOCH FROM l.leaked_for) * 1000000)::pg_catalog.int8,
           l.weight, r.rolsuper
      FROM leash.reap_log l
           LEFT JOIN pg_catalog.pg_roles r ON r.rolname = l.usename
     WHERE l.outcome NOT LIKE 'exempt%'
     ORDER BY l.session_id, l.leaked_for DESC NULLS LAST) AS oldest
 ORDER BY decided DESC)sql";

constexpr const char* kPressure = "SELECT used, max_connections - reserved FROM leash.connections";

constexpr State kStates[] = {State::active, State::idle, State::idle_in_transaction,
                             State::idle_in_transaction_aborted, State::fastpath};
constexpr Peer kPeers[] = {Peer::alive, Peer::closed, Peer::retransmitting};

class RowReader {
public:
    RowReader(const Result& result, int row) : result_(result), row_(row) {}

    std::string text(int column) const { return result_.value(row_, column).value_or(""); }
    bool flag(int column) const { return text(column) == "t"; }
    std::uint64_t ns(int column) const {
        const long long us = std::strtoll(text(column).c_str(), nullptr, 10);
        return us <= 0 ? 0 : static_cast<std::uint64_t>(us) * 1000;
    }
    template <typename Word, std::size_t N>
    Word word(int column, const Word (&words)[N]) const {
        const std::string wanted = text(column);
        for (const Word one : words) {
            if (wanted == name_of(one)) {
                return one;
            }
        }
        return Word{};
    }

    TrialSession session() const {
        TrialSession session;
        session.session_id = text(0);
        session.role = text(1);
        session.database = text(2);
        session.application = text(3);
        session.address = text(4);
        return session;
    }

private:
    const Result& result_;
    int row_;
};

ClientWait client_wait(const std::string& wait_event) {
    return wait_event == "ClientRead"    ? ClientWait::read
           : wait_event == "ClientWrite" ? ClientWait::write
                                         : ClientWait::none;
}

}  // namespace

std::vector<TrialSession> read_sessions(Connection& connection) {
    const Result result = connection.run(kSessions);
    std::vector<TrialSession> sessions;
    for (int r = 0; r < result.rows(); ++r) {
        const RowReader row(result, r);
        TrialSession& session = sessions.emplace_back(row.session());
        Candidate& facts = session.facts;
        facts.state = row.word(5, kStates);
        facts.client_wait = client_wait(row.text(6));
        facts.kind = row.word(7, kPolicyKinds);
        const std::string exempt = row.text(8);
        facts.listens = exempt == name_of(Exempt::listens);
        facts.advisory_lock = exempt == name_of(Exempt::advisory_lock);
        facts.untouchable =
            (!exempt.empty() && !facts.listens && !facts.advisory_lock) || row.text(6) == "SyncRep";
        facts.idle_for = row.ns(9);
        facts.unused_for = row.ns(10);
        facts.xact_for = row.ns(11);
        facts.statement_for = row.ns(12);
        facts.opened_ago = row.ns(13);
        facts.blocks_others = row.flag(14);
        facts.holds_xmin = row.flag(15);
        facts.peer = row.word(16, kPeers);
        facts.superuser = row.flag(17);
        facts.learned_idle = row.ns(18);
    }
    return sessions;
}

std::vector<TrialSession> read_journal(Connection& connection) {
    const Result result = connection.run(kJournal);
    std::vector<TrialSession> sessions;
    for (int r = 0; r < result.rows(); ++r) {
        const RowReader row(result, r);
        TrialSession& session = sessions.emplace_back(row.session());
        session.seen_at = row.text(5);
        set_recorded(session.facts, row.word(6, kPolicyKinds), row.ns(7));
        session.facts.blocks_others = row.text(8) == name_of(Weight::blocks_others);
        session.facts.superuser = row.flag(9);
    }
    return sessions;
}

Pressure read_pressure(Connection& connection) {
    const Result result = connection.run(kPressure);
    const auto number = [&](int column) {
        const std::string text = result.value(0, column).value_or("0");
        return static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
    };
    return result.rows() == 0 ? Pressure{} : Pressure{number(0), number(1)};
}

}  // namespace leash::tool
