#include "source/agentless_source.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "agentless/health.h"
#include "agentless/rows.h"
#include "agentless/slow.h"
#include "evidence/read_agentless.h"
#include "render/terminal.h"

namespace leash::tool {
namespace {

constexpr auto kPause = std::chrono::milliseconds(10);
constexpr auto kTimeToExit = std::chrono::seconds(5);

// Who it is and what it does are looked at by the statement that signals: one look at the
// session's entry, and the signal follows.
constexpr const char* kSignal = R"sql(
SELECT pg_catalog.pg_terminate_backend(a.pid)
  FROM pg_catalog.pg_stat_get_activity($1::pg_catalog.int4) AS a
 WHERE a.backend_start = $2::pg_catalog.timestamptz
   AND a.state = $3::pg_catalog.text
   AND a.state_change = $4::pg_catalog.timestamptz
   AND a.xact_start IS NOT DISTINCT FROM $5::pg_catalog.timestamptz
   AND a.query_id IS NOT DISTINCT FROM $6::pg_catalog.int8
   AND a.wait_event IS DISTINCT FROM 'SyncRep'
   AND a.backend_type = 'client backend')sql";

constexpr const char* kIsThere =
    "SELECT FROM pg_catalog.pg_stat_get_activity($1::pg_catalog.int4) AS a"
    " WHERE a.backend_start = $2::pg_catalog.timestamptz";

[[noreturn]] void needs_extension(const char* what, const ServerInfo& server) {
    throw Failure(
        fmt::format("{} needs the extension pg_leash, which is not used in database \"{}\"; where "
                    "it is missing, "
                    "run there: CREATE EXTENSION pg_leash",
                    what, server.database));
}

// Why it is left alone, whatever its state is when the signal is sent; nullptr: it is not.
const char* refusal(const PlainSession& session, bool force) {
    const SessionFacts& facts = session.facts;
    if (session.is_masked() || facts.state == State::unknown) {
        return "refused: state unknown";
    }
    if (session.text("wait_event") == "SyncRep") {
        return "refused: committing";
    }
    if (facts.backup) {
        return "exempt: runs a backup";
    }
    if (facts.exported_snapshot) {
        return "exempt: exported a snapshot";
    }
    if (force) {
        return nullptr;
    }
    if (session.is_in_use() && !(facts.state == State::idle_in_transaction ||
                                 facts.state == State::idle_in_transaction_aborted)) {
        return "refused: active";
    }
    if (facts.client_wait == ClientWait::write) {
        return "refused: its client does not read";
    }
    if (facts.listens) {
        return "exempt: listens";
    }
    return facts.advisory_lock ? "exempt: holds an advisory lock" : nullptr;
}

}  // namespace

ServerInfo AgentlessSource::server() {
    server_ = read_server_info(connection_);
    server_.extension_version = std::nullopt;
    server_.agentless = true;
    stale_ = true;  // another screen
    return server_;
}

const PlainSample& AgentlessSource::look() {
    sample_ = sampler_.sample(connection_);
    stale_ = false;
    note_masked();
    return sample_;
}

const PlainSample& AgentlessSource::latest() {
    return stale_ ? look() : sample_;
}

void AgentlessSource::note_masked() {
    if (sample_.masked == 0 || noted_masked_) {
        return;
    }
    noted_masked_ = true;
    write_note(fmt::format(
        "of {} of {} sessions neither state nor age is known, since role \"{}\" may not look at "
        "them; as a superuser run: GRANT pg_monitor TO {}",
        sample_.masked, sample_.sessions.size(), server_.user, server_.quoted_user));
}

Dataset AgentlessSource::rows(const Selection& selection) {
    switch (selection.listing) {
        case Listing::kSessions:
            return select_rows(session_rows(latest()), selection, {});
        case Listing::kLeaks:
        case Listing::kLeakGroups:
            return select_rows(leak_rows(latest()), selection, session_rows(latest()));
        case Listing::kApplications:
            return select_rows(application_rows(latest(), sampler_), selection, {});
        case Listing::kConnections:
            return select_rows(
                connection_rows(read_slots(connection_, latest()), latest(), sampler_), selection,
                {});
        case Listing::kHealth:
            return select_rows(health_rows(read_server_counts(connection_, latest()), latest()),
                               selection, {});
        case Listing::kOrphans:
            return select_rows(orphan_rows(connection_), selection, {});
        case Listing::kSlowSummary:
            return select_rows(slow_summary_rows(connection_, thresholds_), selection, {});
        case Listing::kSlow:
            throw Failure(
                "single slow statements are not known without pg_leash; \"pgleash slow --summary\" "
                "shows what pg_stat_statements has counted");
        default:
            break;
    }
    needs_extension("this listing", server_);
}

bool AgentlessSource::is_there(const PlainSession& session) {
    return connection_.run(Query{kIsThere, {session.cell("pid"), session.cell("backend_start")}})
               .rows() > 0;
}

// The session as it was judged: whatever has changed since spares it.
std::string AgentlessSource::signal(const PlainSession& session) {
    const Result result = connection_.run(Query{
        kSignal,
        {session.cell("pid"), session.cell("backend_start"), session.cell("state"),
         session.cell("state_change"), session.cell("xact_start"), session.cell("query_id")}});
    if (result.rows() == 0) {
        return is_there(session) ? "spared: woke up" : "gone";
    }
    if (result.value(0, 0) != "t") {
        return "gone";
    }
    const auto until = std::chrono::steady_clock::now() + kTimeToExit;
    while (is_there(session)) {
        if (std::chrono::steady_clock::now() > until) {
            return "still exiting";
        }
        std::this_thread::sleep_for(kPause);
    }
    return "ended";
}

std::string AgentlessSource::terminate(const std::string& session_id,
                                       const std::optional<std::string>& reason, bool force) {
    if (!without_claim_) {
        throw Failure(
            "without pg_leash no session can be claimed; with --without-claim its identity and "
            "state are checked by the statement that signals, but a command that arrives between "
            "that look and the signal, usually microseconds, is ended with its session");
    }
    if (!noted_window_) {
        noted_window_ = true;
        write_note(fmt::format(
            "nothing is claimed: a command that arrives between the last look at a session and "
            "the signal is ended with it{}",
            reason ? "; the reason is told to nobody" : ""));
    }
    const auto find = [&](const PlainSample& sample) {
        return std::find_if(
            sample.sessions.begin(), sample.sessions.end(),
            [&](const PlainSession& s) { return s.cell("session_id") == session_id; });
    };
    const PlainSample& sample = latest();
    const auto session = find(sample);
    if (session == sample.sessions.end()) {
        return "gone";
    }
    const char* why = refusal(*session, force);
    return why != nullptr ? why : signal(*session);
}

std::string AgentlessSource::cancel(const std::string&, const std::optional<std::string>&) {
    needs_extension("cancelling exactly the statement that runs now", server_);
}

Dataset AgentlessSource::reap(bool) {
    needs_extension("reap", server_);
}

Failure AgentlessSource::explain(const QueryError& error, Purpose purpose) {
    return explain_query_error(error, connection_, server_, purpose);
}

Evidence AgentlessSource::evidence() {
    return read_agentless(connection_, latest(), sampler_, thresholds_);
}

}  // namespace leash::tool
