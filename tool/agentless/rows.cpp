#include "agentless/rows.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "render/instant.h"

namespace leash::tool {
namespace {

std::string seconds(std::uint64_t ns) {
    return fmt::format("{:.6f}", static_cast<double>(ns / 1000) / 1e6);
}

Cell boolean(bool value) {
    return value ? "t" : "f";
}

Cell known_age(const PlainSession& session, bool known, std::uint64_t ns) {
    return known && session.facts.state != State::unknown ? Cell(seconds(ns)) : Cell();
}

std::size_t count_states(const PlainSample& sample, std::initializer_list<State> states) {
    return static_cast<std::size_t>(std::count_if(
        sample.sessions.begin(), sample.sessions.end(), [&](const PlainSession& session) {
            return std::find(states.begin(), states.end(), session.facts.state) != states.end();
        }));
}

}  // namespace

RawRows rows_of(Connection& connection, std::vector<std::string> columns, const std::string& sql) {
    RawRows raw{std::move(columns), {}};
    const Result result = connection.run(sql);
    for (int r = 0; r < result.rows(); ++r) {
        Row& row = raw.rows.emplace_back();
        for (int c = 0; c < result.columns(); ++c) {
            row.push_back(result.value(r, c));
        }
    }
    return raw;
}

RawRows session_rows(const PlainSample& sample) {
    RawRows raw;
    raw.columns = {"session_id", "pid",           "application_name", "usename",
                   "datname",    "client_addr",   "client_port",      "backend_start",
                   "state",      "state_change",  "wait_event_type",  "wait_event",
                   "xact_for",   "statement_for", "last_statement",   "blocked_by",
                   "idle_for",   "leak",          "exempt",           "in_use"};
    for (const PlainSession& session : sample.sessions) {
        Row& row = raw.rows.emplace_back();
        for (std::size_t i = 0; i < 16; ++i) {
            row.push_back(session.cell(raw.columns[i].c_str()));
        }
        const Verdict& verdict = session.verdict;
        row.push_back(known_age(session, true, session.facts.idle_for));
        row.push_back(verdict.leak == Leak::none ? Cell() : Cell(name_of(verdict.leak)));
        row.push_back(verdict.exempt == Exempt::none ? Cell() : Cell(name_of(verdict.exempt)));
        row.push_back(session.is_masked() ? Cell() : boolean(session.is_in_use()));
    }
    return raw;
}

RawRows leak_rows(const PlainSample& sample) {
    RawRows raw;
    raw.columns = {"session_id",  "pid",    "application_name", "usename", "datname", "client_addr",
                   "client_port", "state",  "last_statement",   "kind",    "since",   "leaked_for",
                   "weight",      "leaked", "blocked_sessions", "reason"};
    for (const PlainSession& session : sample.sessions) {
        const Verdict& verdict = session.verdict;
        if (verdict.leak == Leak::none) {
            continue;
        }
        Row& row = raw.rows.emplace_back();
        for (std::size_t i = 0; i < 9; ++i) {
            row.push_back(session.cell(raw.columns[i].c_str()));
        }
        row.push_back(Cell(name_of(verdict.leak)));
        row.push_back(
            instant_text(sample.now_us - static_cast<std::int64_t>(verdict.leaked_for / 1000)));
        row.push_back(seconds(verdict.leaked_for));
        row.push_back(Cell(name_of(verdict.weight)));
        row.push_back(boolean(is_leaked(verdict.leak)));
        row.push_back(std::to_string(session.facts.blocked_sessions));
        row.push_back(session.reason);
    }
    return raw;
}

RawRows application_rows(const PlainSample& sample, const PlainSampler& sampler) {
    struct Application {
        const PlainSession* first = nullptr;
        std::size_t sessions = 0;
        std::size_t in_use = 0;
        std::size_t masked = 0;
    };
    std::map<std::string, Application> applications;
    for (const PlainSession& session : sample.sessions) {
        Application& application = applications[application_key(session)];
        application.first = application.first == nullptr ? &session : application.first;
        application.sessions++;
        application.in_use += session.is_in_use() ? 1 : 0;
        application.masked += session.is_masked() ? 1 : 0;
    }
    RawRows raw{{"application_name", "usename", "datname", "sessions", "in_use", "sessions_peak",
                 "in_use_peak"},
                {}};
    for (const auto& [key, application] : applications) {
        const PlainSampler::Peaks peaks = sampler.peaks_of(*application.first);
        const bool sampled = sampler.samples() > 1;
        const auto known = [&](bool is_known, std::size_t count) {
            return is_known ? Cell(std::to_string(count)) : Cell();
        };
        raw.rows.push_back(
            {key.substr(key.rfind('\0') + 1), application.first->cell("usename"),
             application.first->cell("datname"), std::to_string(application.sessions),
             known(application.masked == 0, application.in_use), known(sampled, peaks.sessions),
             known(sampled && application.masked == 0, peaks.in_use)});
    }
    std::stable_sort(raw.rows.begin(), raw.rows.end(), [](const Row& a, const Row& b) {
        return std::stol(*a[3]) > std::stol(*b[3]);
    });
    return raw;
}

Slots read_slots(Connection& connection, const PlainSample& sample) {
    const Result result = connection.run(
        "SELECT pg_catalog.current_setting('max_connections'),"
        " pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int4"
        // since PostgreSQL 16
        " + COALESCE(pg_catalog.current_setting('reserved_connections', true)::pg_catalog.int4, "
        "0)");
    const auto number = [&](int column) {
        return std::strtol(result.value(0, column).value_or("0").c_str(), nullptr, 10);
    };
    return {number(0), number(1), static_cast<long>(sample.sessions.size()) + 1};
}

RawRows connection_rows(const Slots& slots, const PlainSample& sample,
                        const PlainSampler& sampler) {
    const bool sampled = sampler.samples() > 1;
    const auto known = [&](std::size_t count) {
        return sample.masked == 0 ? Cell(std::to_string(count)) : Cell();
    };
    return {
        {"max_connections", "reserved", "used", "free", "active", "idle", "idle_in_transaction",
         "peak_used", "peak_at"},
        {{std::to_string(slots.limit), std::to_string(slots.reserved), std::to_string(slots.used),
          std::to_string(std::max(slots.limit - slots.reserved - slots.used, 0L)),
          // the tool's own session is active
          known(count_states(sample, {State::active, State::fastpath}) + 1),
          known(count_states(sample, {State::idle})),
          known(count_states(sample,
                             {State::idle_in_transaction, State::idle_in_transaction_aborted})),
          sampled ? Cell(std::to_string(sampler.peak_used())) : Cell(),
          sampled ? Cell(instant_text(sampler.peak_at())) : Cell()}}};
}

RawRows orphan_rows(Connection& connection) {
    return rows_of(connection, {"kind", "name", "since", "holds"}, R"sql(
SELECT kind, name,
       pg_catalog.to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), holds
  FROM (SELECT 'prepared transaction' AS kind, p.gid::pg_catalog.text AS name, p.prepared AS since,
               pg_catalog.format('xmin %s transactions old, in database %s, of role %s',
                                 pg_catalog.age(p.transaction), p.database, p.owner) AS holds
          FROM pg_catalog.pg_prepared_xacts p
         UNION ALL
        SELECT 'inactive slot', s.slot_name,
               -- a column since PostgreSQL 17
               (pg_catalog.to_jsonb(s) OPERATOR(pg_catalog.->>)
                    'inactive_since')::pg_catalog.timestamptz,
               pg_catalog.concat_ws(', ',
                   'xmin ' || pg_catalog.age(s.xmin) || ' transactions old',
                   'catalog xmin ' || pg_catalog.age(s.catalog_xmin) || ' transactions old',
                   'slot type ' || s.slot_type)
          FROM pg_catalog.pg_replication_slots s WHERE NOT s.active) AS orphans
 ORDER BY since NULLS LAST)sql");
}

}  // namespace leash::tool
