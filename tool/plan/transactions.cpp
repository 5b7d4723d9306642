// Long transactions that work: those that idle are leaks, and told by leaks.cpp.
#include <algorithm>

#include <fmt/format.h>

#include "plan/fixes.h"
#include "plan/quoting.h"
#include "plan/rules.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

// No request takes as long; autovacuum comes by five times meanwhile.
constexpr double kLong = 300;
// Where others wait, people notice sooner.
constexpr double kLongWhileBlocking = 30;
// One statement takes nearly all of it: then it is the statement that is long.
constexpr double kOneStatement = 0.9;

// As leash.leaks judges it.
bool is_leaked(const Situation& situation, const TransactionFacts& open) {
    if (!open.state.starts_with("idle in transaction") || !open.idle_for) {
        return false;
    }
    double threshold = 60;
    for (const SettingFacts& facts : situation.evidence.settings) {
        if (facts.name == "pg_leash.idle_in_transaction_threshold") {
            threshold = std::strtod(facts.setting.c_str(), nullptr) / 1000;
        }
    }
    return threshold > 0 && open.idle_for->value >= threshold;
}

bool is_long(const Situation& situation, const TransactionFacts& open) {
    if (!open.xact_for || is_leaked(situation, open)) {
        return false;
    }
    const double age = open.xact_for->value;
    // A dump that blocks nobody is no trouble.
    return open.blocked_by > 0 ? age >= kLongWhileBlocking
                               : age >= kLong && !is_maintenance(open.application_name);
}

struct Group {
    Party party;
    std::vector<const TransactionFacts*> open;  // longest first
    std::int64_t blocked = 0;
};

std::vector<Group> groups_of(const Situation& situation) {
    std::vector<Group> groups;
    for (const TransactionFacts& open : situation.evidence.transactions) {
        if (!is_long(situation, open)) {
            continue;
        }
        auto known = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
            return group.party.application == open.application_name &&
                   group.party.role == open.usename && group.party.database == open.datname;
        });
        if (known == groups.end()) {
            groups.push_back({{open.application_name, open.usename, open.datname}, {}, 0});
            known = groups.end() - 1;
        }
        known->open.push_back(&open);
        known->blocked += open.blocked_by;
    }
    return groups;
}

bool is_one_statement(const TransactionFacts& open) {
    return open.state == "active" && open.statement_for &&
           open.statement_for->value >= kOneStatement * open.xact_for->value;
}

std::string line_of(const TransactionFacts& open) {
    std::string line = fmt::format("Session {}: open for {}", code(open.session_id),
                                   duration(open.xact_for->value));
    if (is_one_statement(open)) {
        line += ", all of it in one statement";
    } else if (open.idle_for) {
        line += fmt::format(", between two commands for {}", duration(open.idle_for->value));
    }
    line += open.blocked_by > 0
                ? fmt::format("; {} for it", open.blocked_by == 1
                                                 ? "1 session waits"
                                                 : number(open.blocked_by) + " sessions wait")
                : "";
    line += open.opener ? fmt::format("; opened by {}", code(*open.opener)) : "";
    return line + '.';
}

Fix stop_it(const TransactionFacts& open) {
    const bool works = open.state == "active";
    Fix fix;
    fix.what = works ? "If it need not finish: cancel its statement; the session lives on and its "
                       "transaction fails."
                     : "If it need not finish: end its session.";
    fix.language = "sh";
    fix.text =
        fmt::format("pgleash {} {}\n", works ? "cancel" : "terminate", shell_word(open.session_id));
    fix.risk = "what the transaction has done so far is rolled back, and must be done again";
    fix.undo = "run it again";
    return fix;
}

Fix make_it_short() {
    Fix fix;
    fix.when = When::kWeek;
    fix.what =
        "Make it short: commit in batches of some thousand rows; read with a cursor on a "
        "standby; keep calls to other services and to users out of transactions.";
    fix.risk = "a batch that fails leaves those before it done";
    fix.undo = "revert the change";
    return fix;
}

Finding finding_of(const Situation& situation, const Group& group) {
    const TransactionFacts& longest = *group.open.front();
    const auto count = static_cast<std::int64_t>(group.open.size());
    Finding finding;
    finding.kind = "long transaction";
    finding.cause = is_one_statement(longest) ? "one statement" : "";
    finding.application = group.party.application;
    finding.subject = group.party.role + '@' + group.party.database;
    finding.title = fmt::format("{} has {} open for up to {}",
                                group.party.application.empty() ? "An application without a name"
                                                                : code(group.party.application, 63),
                                counted(count, "transaction"), duration(longest.xact_for->value));
    finding.harm = group.blocked > 0 ? Harm::kStandstill : Harm::kRisk;
    finding.weight =
        group.blocked > 0 ? static_cast<double>(group.blocked) : longest.xact_for->value;
    finding.hurts = group.blocked > 0
                        ? fmt::format("{} for it", group.blocked == 1
                                                       ? "1 session waits"
                                                       : number(group.blocked) + " sessions wait")
                        : "holds back vacuum as long as it is open";
    finding.evidence.push_back(
        fmt::format("{} of {}.", counted(count, "long transaction"), group.party.who()));
    for (std::size_t i = 0; i < std::min<std::size_t>(group.open.size(), 3); ++i) {
        finding.evidence.push_back(line_of(*group.open[i]));
    }
    finding.diagnosis =
        is_one_statement(longest)
            ? "Long transaction: one statement that has been running all the time. Either it is "
              "bulk "
              "work at a bad time, or a plan that went wrong; it is not idle."
            : "Long transaction: it works, command after command, and is never committed in "
              "between. "
              "What it changed stays locked, and no row that died since can be removed.";
    finding.fixes.push_back(stop_it(longest));
    const auto timeout =
        change_setting(situation, "transaction_timeout", "role " + group.party.role, When::kDay,
                       "Bound how long a transaction may take.");
    finding.fixes.insert(finding.fixes.end(), timeout.begin(), timeout.end());
    finding.fixes.push_back(make_it_short());
    if (group.blocked > 0) {
        finding.expected.push_back({"sessions that wait for it", number(group.blocked), "0",
                                    "its locks are released when it ends"});
    }
    finding.watch.push_back({"xact_for should stay small",
                             "pgleash sessions " + filter_options(group.party) + " --watch 5"});
    return finding;
}

}  // namespace

void find_long_transactions(const Situation& situation, Findings& findings) {
    for (const Group& group : groups_of(situation)) {
        findings.push_back(finding_of(situation, group));
    }
}

}  // namespace leash::tool::plan
