#include "evidence/read_agentless.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "agentless/health.h"
#include "agentless/rows.h"
#include "agentless/slow.h"
#include "core/mask.h"
#include "evidence/read.h"
#include "render/instant.h"
#include "render/table.h"

namespace leash::tool {
namespace {

constexpr std::size_t kTransactionsKept = 100;

// Rows of a view, by the names of columns.
class Cells {
public:
    Cells(const std::vector<std::string>& columns, const Row& row) : columns_(columns), row_(row) {}

    Cell cell(const char* name) const {
        const auto at = std::find(columns_.begin(), columns_.end(), name);
        return at == columns_.end() ? Cell()
                                    : row_[static_cast<std::size_t>(at - columns_.begin())];
    }
    std::string text(const char* name) const { return cell(name).value_or(""); }
    std::optional<std::int64_t> count(const char* name) const {
        const Cell value = cell(name);
        return value ? std::optional(std::int64_t{std::strtoll(value->c_str(), nullptr, 10)})
                     : std::nullopt;
    }
    std::optional<Seconds> seconds(const char* name) const {
        const Cell value = cell(name);
        return value ? std::optional(Seconds{std::strtod(value->c_str(), nullptr)}) : std::nullopt;
    }
    std::optional<Instant> instant(const char* name) const {
        const auto us = parse_instant(text(name));
        return us ? std::optional(Instant{*us}) : std::nullopt;
    }

private:
    const std::vector<std::string>& columns_;
    const Row& row_;
};

std::string masked(const std::string& statement) {
    std::string out(statement.size() + 3, '\0');
    out.resize(mask_literals(statement.data(), statement.size(), {false}, out.data(), out.size()));
    return out;
}

ConnectionFacts connections_of(const RawRows& rows) {
    const Cells cells(rows.columns, rows.rows.front());
    ConnectionFacts facts;
    facts.max_connections = cells.count("max_connections").value_or(0);
    facts.reserved = cells.count("reserved").value_or(0);
    facts.used = cells.count("used").value_or(0);
    facts.free = cells.count("free").value_or(0);
    facts.active = cells.count("active");
    facts.idle = cells.count("idle");
    facts.idle_in_transaction = cells.count("idle_in_transaction");
    facts.peak_used = cells.count("peak_used");
    facts.peak_at = cells.instant("peak_at");
    return facts;
}

std::vector<CheckFacts> checks_of(const RawRows& rows) {
    std::vector<CheckFacts> checks;
    const auto number = [](const Cell& cell) {
        return cell ? std::optional(std::strtod(cell->c_str(), nullptr)) : std::nullopt;
    };
    for (const Row& row : rows.rows) {
        const Cells cells(rows.columns, row);
        checks.push_back({cells.text("check"), cells.text("status"), number(cells.cell("value")),
                          number(cells.cell("warning")), number(cells.cell("critical")),
                          cells.text("message")});
    }
    return checks;
}

std::vector<CauseFacts> causes_of(const PlainSample& sample) {
    const Dataset groups = select_rows(leak_rows(sample), {.listing = Listing::kLeakGroups}, {});
    std::vector<std::string> names;
    for (const Column& column : groups.columns) {
        names.emplace_back(column.name);
    }
    std::vector<CauseFacts> causes;
    for (const Row& row : groups.rows) {
        const Cells cells(names, row);
        CauseFacts& cause = causes.emplace_back();
        cause.kind = cells.text("kind");
        cause.application_name = cells.text("application_name");
        cause.usename = cells.text("usename");
        cause.datname = cells.text("datname");
        cause.last_statement = cells.cell("last_statement");
        cause.sessions = cells.count("sessions").value_or(0);
        cause.blocked_sessions = cells.count("blocked_sessions").value_or(0);
        cause.oldest = cells.seconds("oldest").value_or(Seconds{});
        cause.weight = cells.text("weight");
        cause.leaked = cells.cell("leaked") == "t";
    }
    return causes;
}

// What its leaked sessions hold in vain, and from how many addresses they come.
void add_sessions(ApplicationFacts& facts, const PlainSample& sample, const std::string& key) {
    std::set<Cell> addresses;
    for (const PlainSession& session : sample.sessions) {
        if (application_key(session) != key) {
            continue;
        }
        addresses.insert(session.cell("client_addr"));
        if (is_leaked(session.verdict.leak) && session.is_in_use()) {
            facts.leaked_in_use++;
            facts.leaked_in_use_time.value += static_cast<double>(session.verdict.leaked_for) / 1e9;
        }
    }
    facts.addresses = static_cast<std::int64_t>(addresses.size());
}

std::vector<ApplicationFacts> applications_of(const PlainSample& sample,
                                              const PlainSampler& sampler) {
    const RawRows rows = application_rows(sample, sampler);
    std::vector<ApplicationFacts> applications;
    for (const Row& row : rows.rows) {
        const Cells cells(rows.columns, row);
        ApplicationFacts& facts = applications.emplace_back();
        facts.application_name = cells.text("application_name");
        facts.usename = cells.text("usename");
        facts.datname = cells.text("datname");
        facts.sessions = cells.count("sessions").value_or(0);
        facts.in_use = cells.count("in_use");
        facts.sessions_peak = cells.count("sessions_peak");
        facts.in_use_peak = cells.count("in_use_peak");
        add_sessions(facts, sample,
                     facts.usename + '\0' + facts.datname + '\0' + facts.application_name);
    }
    return applications;
}

std::vector<TransactionFacts> transactions_of(const PlainSample& sample) {
    std::vector<TransactionFacts> transactions;
    for (const PlainSession& session : sample.sessions) {
        const Cell xact_for = session.cell("xact_for");
        if (!xact_for) {
            continue;
        }
        TransactionFacts& facts = transactions.emplace_back();
        const auto seconds = [&](const char* name) {
            const Cell value = session.cell(name);
            return value ? std::optional(Seconds{std::strtod(value->c_str(), nullptr)})
                         : std::nullopt;
        };
        facts.session_id = session.text("session_id");
        facts.application_name = session.text("application_name");
        facts.usename = session.text("usename");
        facts.datname = session.text("datname");
        facts.state = session.text("state");
        facts.xact_for = seconds("xact_for");
        facts.statement_for = seconds("statement_for");
        facts.idle_for = Seconds{static_cast<double>(session.facts.idle_for) / 1e9};
        facts.opener = masked(session.text("last_statement"));
        facts.blocked_by = session.facts.blocked_sessions;
    }
    std::sort(transactions.begin(), transactions.end(),
              [](const TransactionFacts& a, const TransactionFacts& b) {
                  return a.xact_for > b.xact_for;
              });
    transactions.resize(std::min(transactions.size(), kTransactionsKept));
    return transactions;
}

std::vector<OrphanFacts> orphans_of(const RawRows& rows) {
    std::vector<OrphanFacts> orphans;
    for (const Row& row : rows.rows) {
        const Cells cells(rows.columns, row);
        orphans.push_back(
            {cells.text("kind"), cells.text("name"), cells.instant("since"), cells.text("holds")});
    }
    return orphans;
}

}  // namespace

Evidence read_agentless(Connection& connection, const PlainSample& sample,
                        const PlainSampler& sampler, const AgentlessThresholds& thresholds) {
    Evidence evidence;
    read_plain_facts(connection, evidence);
    evidence.server.extension_version = std::nullopt;
    const ServerCounts counts = read_server_counts(connection, sample);
    evidence.connections = connections_of(connection_rows(counts.slots, sample, sampler));
    evidence.checks = checks_of(health_rows(counts, sample));
    evidence.causes = causes_of(sample);
    evidence.applications = applications_of(sample, sampler);
    evidence.transactions = transactions_of(sample);
    evidence.orphans = orphans_of(orphan_rows(connection));
    read_slow_statements(connection, thresholds, evidence);
    return evidence;
}

}  // namespace leash::tool
