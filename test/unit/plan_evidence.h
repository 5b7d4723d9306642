// A server on which nothing is wrong, for the tests of the plan to put in trouble; and
// what they all ask of its findings.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evidence/evidence.h"
#include "plan/find.h"
#include "plan/words.h"

namespace leash::tool::plan {

inline constexpr double kHour = 3600;
inline constexpr double kDay = 24 * kHour;
inline constexpr int kDayMinutes = 24 * 60;

// Tuesday, 12 May 2026, 09:00 UTC.
inline constexpr Instant kNow{1'778'576'400'000'000};

inline Instant ago(double seconds) {
    return {kNow.us - std::llround(seconds * 1e6)};
}

// --- what may be added to a server --------------------------------------------------

// Ten connections, of which up to four are in use at once: what it needs is five.
inline ApplicationFacts application(const std::string& name) {
    ApplicationFacts facts;
    facts.application_name = name;
    facts.usename = "shop";
    facts.datname = "orders";
    facts.sessions = 10;
    facts.sessions_peak = 10;
    facts.in_use = 1;
    facts.in_use_peak = 5;
    facts.in_use_p999 = 4;
    facts.in_use_mean = 1.0;
    facts.busy_p999 = 4;
    facts.busy_mean = 1.0;
    facts.opened = 10;
    facts.ended = 0;
    facts.statements = 1'440'000;
    facts.active_time = Seconds{kDay};
    facts.known_since = ago(kDay);
    facts.addresses = 1;
    facts.opened_together = 10;
    return facts;
}

inline CauseFacts cause(const std::string& kind, std::int64_t sessions, double oldest = 600) {
    CauseFacts facts;
    facts.kind = kind;
    facts.application_name = "shop-api";
    facts.usename = "shop";
    facts.datname = "orders";
    facts.sessions = sessions;
    facts.oldest.value = oldest;
    facts.weight = "holds a slot";
    return facts;
}

inline TransactionFacts transaction(double xact_for, std::int64_t blocked = 0) {
    TransactionFacts facts;
    facts.session_id = "6a02e2d0.1a2b";
    facts.application_name = "nightly";
    facts.usename = "batch";
    facts.datname = "orders";
    facts.state = "active";
    facts.xact_for = Seconds{xact_for};
    facts.statement_for = Seconds{0.5};
    facts.blocked_by = blocked;
    return facts;
}

inline SlowFacts slow(const std::string& query, std::int64_t calls, double mean) {
    SlowFacts facts;
    facts.query_id.value = static_cast<std::int64_t>(query.size()) + 1000;
    facts.query = query;
    facts.datname = "orders";
    facts.usename = "shop";
    facts.application_name = "shop-api";
    facts.calls = calls;
    facts.mean_time.value = mean;
    facts.total_time.value = mean * static_cast<double>(calls);
    facts.max_time.value = 2 * mean;
    facts.rows = calls;
    facts.last_seen = ago(60);
    return facts;
}

// Of a table that slow statements read as a whole: a million rows each, to keep ten.
inline IndexFacts index(std::int64_t statements, double seconds) {
    IndexFacts facts;
    facts.datname = "orders";
    facts.table = "public.carts";
    facts.columns = "customer";
    facts.slow_statements = statements;
    facts.rows_scanned = statements * 1'000'000;
    facts.rows_kept = statements * 10;
    facts.total_time.value = seconds;
    facts.last_seen = ago(60);
    return facts;
}

inline RefusalFacts refusal(double seconds_ago, std::int64_t count,
                            const std::string& reason = "too many clients") {
    return {ago(seconds_ago), reason, count};
}

// --- the server ---------------------------------------------------------------------

// A hundred slots for ordinary roles, a day of minutes that are all alike.
inline Evidence quiet_server() {
    Evidence evidence;
    evidence.server.host = "db1.example";
    evidence.server.port = "5432";
    evidence.server.database = "orders";
    evidence.server.version = "15.20";
    evidence.server.version_number = 150'020;
    evidence.server.extension_version = "1.0";
    evidence.server.now = kNow;
    evidence.server.started_at = ago(kDay);
    evidence.connections.max_connections = 103;
    evidence.connections.reserved = 3;
    evidence.connections.used = 10;
    evidence.connections.peak_used = 12;
    evidence.connections.peak_at = ago(kHour);
    evidence.connections.opened_total = 10;
    evidence.connections.slow_statements_total = 0;
    evidence.connections.stats_reset = ago(kDay);
    for (int minute = kDayMinutes; minute > 0; --minute) {
        MinuteFacts facts;
        facts.minute = ago(60.0 * minute);
        facts.used_peak = 12;
        facts.used_mean = 10;
        facts.in_use_peak = 4;
        facts.statements = 1'000;
        facts.blks_hit = 9'990;
        facts.blks_read = 10;
        facts.busy_seconds = 60;
        evidence.history.push_back(facts);
    }
    evidence.applications = {application("shop-api")};
    evidence.settings = {{"shared_buffers", "16384", "8kB", "default"},
                         {"superuser_reserved_connections", "3", std::nullopt, "default"},
                         {"work_mem", "4096", "kB", "default"},
                         {"idle_in_transaction_session_timeout", "0", "ms", "default"},
                         {"client_connection_check_interval", "0", "ms", "default"},
                         {"tcp_keepalives_idle", "0", "s", "default"},
                         {"transaction_timeout", "0", "ms", "default"}};
    evidence.databases = {{"orders", 14'385'600, 14'400, 0, 0, 1'000'000, std::nullopt}};
    return evidence;
}

// A server that has turned clients away, an hour ago.
inline Evidence full_server() {
    Evidence evidence = quiet_server();
    evidence.history[kDayMinutes - 60].used_peak = 103;
    evidence.refusals = {refusal(kHour, 40), refusal(kHour + 60, 7)};
    return evidence;
}

// --- what is found --------------------------------------------------------------------

// "leak/open transaction of shop-api", in the order of the plan.
inline std::vector<std::string> names_of(const std::vector<Finding>& findings) {
    std::vector<std::string> names;
    for (const Finding& finding : findings) {
        names.push_back(finding.kind + (finding.cause.empty() ? "" : "/" + finding.cause) +
                        (finding.application.empty() ? "" : " of " + finding.application));
    }
    return names;
}

inline std::vector<std::string> found(const Evidence& evidence) {
    return names_of(find(evidence));
}

// Nothing is proposed without its risk and the way back, and nothing found that cannot be
// watched.
inline void expect_whole(const Finding& finding) {
    EXPECT_FALSE(finding.title.empty() || finding.hurts.empty() || finding.diagnosis.empty());
    EXPECT_FALSE(finding.evidence.empty() || finding.fixes.empty() || finding.watch.empty());
    for (const Fix& fix : finding.fixes) {
        EXPECT_FALSE(fix.what.empty() || fix.risk.empty() || fix.undo.empty()) << fix.what;
        EXPECT_EQ(fix.language.empty(), fix.text.empty()) << fix.what;
        EXPECT_TRUE(fix.text.empty() || fix.text.ends_with('\n')) << fix.text;
    }
    for (const Expected& expected : finding.expected) {
        EXPECT_FALSE(expected.what.empty() || expected.now.empty() || expected.after.empty() ||
                     expected.how.empty());
    }
}

// The only one, which is whole; an empty one where there is none or more than one.
inline Finding only_finding(const Evidence& evidence) {
    const std::vector<Finding> findings = find(evidence);
    EXPECT_EQ(findings.size(), 1U) << testing::PrintToString(names_of(findings));
    if (findings.size() != 1) {
        return {};
    }
    expect_whole(findings.front());
    return findings.front();
}

// A line each, names in double quotes.
inline std::string evidence_of(const Finding& finding) {
    std::string out;
    for (const std::string& line : finding.evidence) {
        out += unmarked(line, true) + '\n';
    }
    return out;
}

// "what: now -> after", likewise.
inline std::string expected_of(const Finding& finding) {
    std::string out;
    for (const Expected& expected : finding.expected) {
        out += expected.what + ": " + expected.now + " -> " + expected.after + '\n';
    }
    return unmarked(out, true);
}

// The text to paste of those fixes that hold it; "" where none does.
inline std::string pasted(const Finding& finding, const std::string& part) {
    for (const Fix& fix : finding.fixes) {
        if (fix.text.find(part) != std::string::npos) {
            return fix.text;
        }
    }
    return {};
}

}  // namespace leash::tool::plan
