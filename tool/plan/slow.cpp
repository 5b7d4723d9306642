// Slow statements that no index would mend, and bulk work.
#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "plan/fixes.h"
#include "plan/rules.h"
#include "plan/statements.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

// A few outliers are on every server.
constexpr std::int64_t kEnoughCalls = 3;
constexpr double kMuchTime = 0.1;  // of all statement time
constexpr double kBusy = 0.02;     // of one session's, in the mean
constexpr double kRecent = 86'400;

// What makes a statement bulk work rather than a slow request: that much of one call.
constexpr std::int64_t kManyRows = 100'000;
constexpr std::int64_t kManyTempBlocks = 12'800;   // 100 MB
constexpr std::int64_t kManyReadBlocks = 131'072;  // 1 GB
constexpr double kLongCall = 60;                   // seconds
constexpr std::array kBulkWords{"copy",
                                "create index",
                                "create unique index",
                                "create table",
                                "vacuum",
                                "refresh",
                                "cluster",
                                "reindex",
                                "analyze",
                                "alter table",
                                "create materialized"};

constexpr std::size_t kMostShown = 5;

bool begins_with(const std::string& text, std::string_view words) {
    return text.size() >= words.size() &&
           std::equal(words.begin(), words.end(), text.begin(), [](char a, char b) {
               return a == std::tolower(static_cast<unsigned char>(b));
           });
}

std::int64_t each(std::int64_t sum, const SlowFacts& slow) {
    return sum / std::max<std::int64_t>(slow.calls, 1);
}

bool is_bulk(const SlowFacts& slow) {
    return each(slow.rows, slow) >= kManyRows ||
           each(slow.temp_blks_written, slow) >= kManyTempBlocks ||
           each(slow.shared_blks_read, slow) >= kManyReadBlocks ||
           slow.mean_time.value >= kLongCall ||
           std::any_of(kBulkWords.begin(), kBulkWords.end(),
                       [&](const char* words) { return begins_with(slow.query, words); });
}

// Waits for the client are the client's.
double working(const SlowFacts& slow) {
    return std::max(slow.total_time.value - slow.client_wait.value_or(Seconds{}).value, 0.0);
}

bool may_wait_for_locks(const SlowFacts& slow) {
    return begins_with(slow.query, "update") || begins_with(slow.query, "delete") ||
           begins_with(slow.query, "insert") || begins_with(slow.query, "merge") ||
           begins_with(slow.query, "lock") || begins_with(slow.query, "alter") ||
           slow.query.find(" FOR UPDATE") != std::string::npos ||
           slow.query.find(" for update") != std::string::npos;
}

// Sessions that wait for others now: how long a write takes says nothing of the write then.
bool somebody_waits(const Evidence& evidence) {
    return std::any_of(evidence.causes.begin(), evidence.causes.end(),
                       [](const CauseFacts& cause) { return cause.blocked_sessions > 0; }) ||
           std::any_of(evidence.transactions.begin(), evidence.transactions.end(),
                       [](const TransactionFacts& open) { return open.blocked_by > 0; });
}

std::string line_of(const SlowFacts& slow) {
    std::string line =
        fmt::format("{} of {} (role {}, database {}): {} in the mean, at most {}, {} rows each",
                    counted(slow.calls, "call"),
                    !slow.application_name           ? "an unknown application"
                    : slow.application_name->empty() ? "an application without a name"
                                                     : code(*slow.application_name, 63),
                    code(slow.usename, 63), code(slow.datname, 63), duration(slow.mean_time.value),
                    duration(slow.max_time.value), number(each(slow.rows, slow)));
    if (slow.shared_blks_read > 0) {
        line += fmt::format(", {} read each", size_of_blocks(each(slow.shared_blks_read, slow)));
    }
    if (slow.temp_blks_written > 0) {
        line += fmt::format(", {} of temporary files each",
                            size_of_blocks(each(slow.temp_blks_written, slow)));
    }
    if (slow.failed.value_or(0) > 0) {
        line += fmt::format(", {} failed or were cancelled", number(*slow.failed));
    }
    return line + ": " + code(slow.query) + '.';
}

Fix keep_plans() {
    Fix fix;
    fix.what =
        fmt::format("Have the plans of slow statements kept; {} shows them.",
                    code("SELECT query, plan FROM leash.slow_statements WHERE plan IS NOT NULL"));
    fix.language = "sql";
    fix.text = "ALTER SYSTEM SET pg_leash.slow_plan_threshold = '1s';\nSELECT pg_reload_conf();\n";
    fix.risk = "a few milliseconds for each slow statement; plans hold the literals of statements";
    fix.undo = code("ALTER SYSTEM RESET pg_leash.slow_plan_threshold; SELECT pg_reload_conf();");
    return fix;
}

Fix look_at_plans() {
    Fix fix;
    fix.what = fmt::format(
        "Look at their plans: run each with {} before it, in a transaction that "
        "is rolled back, with values as the application sends them.",
        code("EXPLAIN (ANALYZE, BUFFERS)"));
    fix.risk = "the statement runs, and takes as long as it does";
    fix.undo = "nothing to undo";
    return fix;
}

Fix move_bulk() {
    Fix fix;
    fix.when = When::kWeek;
    fix.what =
        "Do it elsewhere or at another time: on a standby, at night, in batches of some "
        "thousand rows with a commit after each; by a role of its own, whose limit of "
        "connections keeps it from taking more than one or two.";
    fix.risk = "a batch that fails leaves those before it done";
    fix.undo = "revert the change";
    return fix;
}

void add_fixes(const Situation& situation, const std::vector<const SlowFacts*>& slow, bool bulk,
               Finding& finding) {
    if (!bulk) {
        finding.fixes.push_back(situation.evidence.server.extension_version ? keep_plans()
                                                                            : look_at_plans());
    }
    std::vector<std::string> roles;
    for (const SlowFacts* one : slow) {
        if (std::find(roles.begin(), roles.end(), one->usename) == roles.end()) {
            roles.push_back(one->usename);
            const auto memory =
                change_setting(situation, "work_mem", "role " + one->usename, When::kDay,
                               "Give its sorts and hashes the memory that they spill "
                               "to disk for.");
            finding.fixes.insert(finding.fixes.end(), memory.begin(), memory.end());
        }
    }
    if (bulk) {
        finding.fixes.push_back(move_bulk());
    }
}

void add_finding(const Situation& situation, const std::vector<const SlowFacts*>& slow, bool bulk,
                 Findings& findings) {
    double seconds = 0;
    for (const SlowFacts* one : slow) {
        seconds += working(*one);
    }
    const Cost cost = cost_of(situation, seconds);
    if (slow.empty() || cost.share < kMuchTime || cost.sessions < kBusy) {
        return;
    }
    const SlowFacts& worst = *slow.front();
    Finding finding;
    finding.kind = bulk ? "bulk work" : "slow statements";
    finding.application = worst.application_name.value_or("");
    finding.title = fmt::format("{}: {} of all statement time",
                                bulk ? "Bulk work" : "Slow statements", percent(cost.share));
    finding.harm = Harm::kSlow;
    // What mends something precisely comes first.
    finding.weight = cost.sessions * (bulk ? 0.5 : 0.75);
    finding.hurts = fmt::format("keeps {} sessions busy in the mean", amount(cost.sessions));
    finding.evidence.push_back(fmt::format("Together they took {}.", cost_text(cost)));
    for (std::size_t i = 0; i < std::min(slow.size(), kMostShown); ++i) {
        finding.evidence.push_back(line_of(*slow[i]));
    }
    finding.diagnosis =
        bulk ? "Bulk work: few statements move many rows or blocks, beside requests that should be "
               "quick. No index and no pool makes it small; it has to be done in parts, elsewhere "
               "or "
               "at another time."
        : situation.evidence.server.statements_from
            ? "Slow statements, by the sums of all their calls: how much of it they waited for "
              "their client or for locks is not known. Their plans say where the time goes."
            : "Slow statements: they work, and do not wait for their client; no missing index was "
              "seen in their plans. Their plans say where the time goes.";
    add_fixes(situation, slow, bulk, finding);
    finding.watch.push_back(
        {"the most costly slow statements", "pgleash slow --summary --watch 5"});
    findings.push_back(std::move(finding));
}

}  // namespace

Cost cost_of(const Situation& situation, double seconds) {
    Cost cost;
    cost.seconds = seconds;
    cost.share =
        situation.active_seconds > 0 ? std::min(seconds / situation.active_seconds, 1.0) : 0;
    cost.sessions = situation.statement_seconds > 0 ? seconds / situation.statement_seconds : 0;
    return cost;
}

std::string cost_text(const Cost& cost) {
    return fmt::format(
        "{} in all, {} of all statement time; {} sessions were busy with them in the "
        "mean",
        duration(cost.seconds), percent(cost.share), amount(cost.sessions));
}

void find_slow_statements(const Situation& situation, Findings& findings) {
    std::vector<const SlowFacts*> told = indexed_meanwhile(situation);
    for (const MissingIndex& index : missing_indexes(situation)) {
        told.insert(told.end(), index.slow.begin(), index.slow.end());
    }
    const bool locks = somebody_waits(situation.evidence);
    std::vector<const SlowFacts*> slow;
    std::vector<const SlowFacts*> bulk;
    for (const SlowFacts& facts : situation.evidence.slow) {
        if (std::find(told.begin(), told.end(), &facts) != told.end() ||
            (facts.last_seen && seconds_between(*facts.last_seen, situation.now) > kRecent) ||
            is_maintenance(facts.application_name.value_or("")) ||
            (locks && may_wait_for_locks(facts))) {
            continue;
        }
        if (is_bulk(facts)) {
            bulk.push_back(&facts);
        } else if (facts.calls >= kEnoughCalls) {
            slow.push_back(&facts);
        }
    }
    add_finding(situation, slow, false, findings);
    add_finding(situation, bulk, true, findings);
}

}  // namespace leash::tool::plan
