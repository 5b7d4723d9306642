// policy test: whom a file's policies would act on, now and in the journal.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "commands/policy.h"
#include "core/names.h"
#include "policy/trial_sessions.h"

namespace leash::tool {
namespace {

constexpr Column kByApplication[] = {
    {.name = "application_name", .header = "APPLICATION", .min_width = 16},
    {.name = "policy", .header = "POLICY", .min_width = 16},
    {.name = "action", .header = "ACTION"},
    {.name = "now", .kind = Kind::kCount, .header = "NOW"},
    {.name = "spared", .kind = Kind::kCount, .header = "SPARED", .drop_rank = 1},
    {.name = "oldest", .kind = Kind::kDuration, .header = "OLDEST"},
    {.name = "in_journal", .kind = Kind::kCount, .header = "IN JOURNAL"},
};

constexpr Column kEach[] = {
    {.name = "session_id", .header = "SESSION"},
    {.name = "application_name", .header = "APPLICATION", .min_width = 10},
    {.name = "usename"},
    {.name = "datname"},
    {.name = "client_addr", .kind = Kind::kAddress},
    {.name = "kind", .kind = Kind::kState, .header = "KIND"},
    {.name = "age", .kind = Kind::kDuration, .header = "AGE"},
    {.name = "policy", .header = "POLICY", .min_width = 9},
    {.name = "action", .header = "ACTION", .drop_rank = 1},
    {.name = "outcome", .kind = Kind::kStatus, .header = "OUTCOME"},
    {.name = "decided_at", .kind = Kind::kInstant, .header = "DECIDED", .drop_rank = 2},
};

// What one policy does to the sessions of one application.
struct Effect {
    std::size_t now = 0;
    std::size_t spared = 0;
    std::size_t in_journal = 0;
    std::uint64_t oldest = 0;  // ns
};

struct Trial {
    std::vector<PolicyRow> rows;  // in the order in which they decide
    std::vector<Policy> policies;
    std::vector<TrialSession> sessions;
    std::vector<TrialDecision> decisions;
    std::vector<TrialSession> journal;
    std::vector<std::size_t> journal_policies;  // for each session of the journal

    const Policy& policy_of(const TrialDecision& decision) const {
        return policies[decision.policy];
    }
};

std::uint64_t age_of(const TrialSession& session) {
    return std::max(session.facts.idle_for, session.facts.statement_for);
}

std::string seconds(std::uint64_t ns) {
    return fmt::format("{}.{:06}", ns / 1'000'000'000, ns / 1000 % 1'000'000);
}

const char* word_of(Spared spared) {
    switch (spared) {
        case Spared::kept:
            return "kept";
        case Spared::pressure:
            return "pressure eased";
        case Spared::brake:
            return "brake";
        case Spared::breaker:
            return "breaker";
        case Spared::no:
            break;
    }
    return "would";
}

Trial run_trial(Connection& connection, std::vector<PolicyRow> rows) {
    Trial trial;
    std::erase_if(rows, [](const PolicyRow& row) { return !is_true(row, "enabled"); });
    std::sort(rows.begin(), rows.end(), [](const PolicyRow& a, const PolicyRow& b) {
        return std::pair(number_of(a, "priority"), a.name) <
               std::pair(number_of(b, "priority"), b.name);
    });
    trial.rows = std::move(rows);
    for (const PolicyRow& row : trial.rows) {
        trial.policies.push_back(core_policy(row));
    }
    trial.sessions = read_sessions(connection);
    trial.decisions = plan_now(trial.policies, trial.sessions, read_pressure(connection));
    trial.journal = read_journal(connection);
    for (const TrialSession& session : trial.journal) {
        trial.journal_policies.push_back(find_policy(trial.policies, session));
    }
    return trial;
}

bool is_hit(const Trial& trial, std::size_t policy) {
    return policy < trial.policies.size() && trial.policies[policy].action != Action::spare;
}

Dataset by_application(const Trial& trial) {
    std::map<std::pair<std::string, std::size_t>, Effect> effects;
    for (const TrialDecision& decision : trial.decisions) {
        const TrialSession& session = trial.sessions[decision.session];
        Effect& effect = effects[{session.application, decision.policy}];
        (decision.spared == Spared::no ? effect.now : effect.spared)++;
        effect.oldest = std::max(effect.oldest, age_of(session));
    }
    for (std::size_t i = 0; i < trial.journal.size(); ++i) {
        if (is_hit(trial, trial.journal_policies[i])) {
            Effect& effect = effects[{trial.journal[i].application, trial.journal_policies[i]}];
            effect.in_journal++;
            effect.oldest = std::max(effect.oldest, age_of(trial.journal[i]));
        }
    }
    std::vector<std::pair<std::pair<std::string, std::size_t>, Effect>> sorted(effects.begin(),
                                                                               effects.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
        return std::pair(a.second.now, a.second.in_journal) >
               std::pair(b.second.now, b.second.in_journal);
    });
    Dataset data{kByApplication, {}};
    for (const auto& [key, effect] : sorted) {
        data.rows.push_back({key.first, trial.rows[key.second].name,
                             text_of(trial.rows[key.second], "action"), std::to_string(effect.now),
                             std::to_string(effect.spared), seconds(effect.oldest),
                             std::to_string(effect.in_journal)});
    }
    return data;
}

Row row_of(const Trial& trial, const TrialSession& session, std::size_t policy,
           const char* outcome) {
    const auto known = [](const std::string& text) { return text.empty() ? Cell() : Cell(text); };
    return {session.session_id,
            session.application,
            session.role,
            session.database,
            known(session.address),
            known(name_of(session.facts.kind)),
            seconds(age_of(session)),
            trial.rows[policy].name,
            text_of(trial.rows[policy], "action"),
            outcome,
            known(session.seen_at)};
}

Dataset one_by_one(const Trial& trial) {
    Dataset data{kEach, {}};
    for (const TrialDecision& decision : trial.decisions) {
        data.rows.push_back(row_of(trial, trial.sessions[decision.session], decision.policy,
                                   word_of(decision.spared)));
    }
    for (std::size_t i = 0; i < trial.journal.size(); ++i) {
        if (is_hit(trial, trial.journal_policies[i])) {
            data.rows.push_back(
                row_of(trial, trial.journal[i], trial.journal_policies[i], "journal"));
        }
    }
    return data;
}

std::string some_sessions(std::size_t count) {
    return fmt::format("{} session{}", count, count == 1 ? "" : "s");
}

void report_now(const Trial& trial) {
    const auto acted = static_cast<std::size_t>(
        std::count_if(trial.decisions.begin(), trial.decisions.end(),
                      [](const TrialDecision& d) { return d.spared == Spared::no; }));
    write_note(fmt::format("now: of {}, {} would be acted on{}; every policy is taken as enforcing",
                           some_sessions(trial.sessions.size()), acted,
                           trial.decisions.size() > acted
                               ? fmt::format(" and {} spared by keep, pressure or brake",
                                             trial.decisions.size() - acted)
                               : ""));
    const auto unknown = std::count_if(
        trial.sessions.begin(), trial.sessions.end(),
        [](const TrialSession& session) { return session.facts.state == State::unknown; });
    if (unknown > 0) {
        write_note(fmt::format(
            "{} cannot be judged: their state is unknown, or hidden from a role without "
            "pg_read_all_stats",
            some_sessions(static_cast<std::size_t>(unknown))));
    }
}

// The journal is no recording of all that happened, and must not be taken for one.
void report_journal(const Trial& trial) {
    if (trial.journal.empty()) {
        write_note("journal: it is empty, so it tells nothing about the past");
        return;
    }
    write_note(fmt::format(
        "journal: {}, at their age when a policy of their time, or somebody, decided on them; "
        "whom else these policies would have matched, it cannot tell",
        some_sessions(trial.journal.size())));
    for (const PolicyRow& row : trial.rows) {
        if (const std::vector<std::string> columns = unrecorded(row); !columns.empty()) {
            write_note(
                fmt::format("journal: it does not record what policy \"{}\" asks for in {}; "
                            "taken as met",
                            row.name, fmt::join(columns, ", ")));
        }
    }
}

}  // namespace

int run_policy_test(Context& context, std::span<const FilePolicy> file) {
    const Trial trial = run_trial(context.source.connection(), rows_of(file));
    const Dataset data = context.options.each ? one_by_one(trial) : by_application(trial);
    write_output(render(context, "policy test", data));
    if (trial.rows.size() < file.size()) {
        write_note(fmt::format("{} of the file's policies are disabled and left out",
                               file.size() - trial.rows.size()));
    }
    report_now(trial);
    report_journal(trial);
    return kExitDone;
}

}  // namespace leash::tool
