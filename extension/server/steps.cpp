// What is done about a decision: the step of the escalation that is due, and its row.
#include <algorithm>

#include "server/brake.h"
#include "server/breakers.h"
#include "server/clerk.h"
#include "server/clock.h"
#include "server/reaper.h"
#include "server/round_state.h"

#include "core/ladder.h"

extern "C" {
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"
}

namespace leash {
namespace {

constexpr int kCancelAttempts = 3;

Action action_of(Step step) {
    switch (step) {
        case Step::notify:
            return Action::notify;
        case Step::cancel:
            return Action::cancel;
        case Step::terminate:
            return Action::terminate;
        default:
            return Action::log;
    }
}

// How long the session has been in its state.
uint64_t state_age(const SessionReport& report) {
    if (is_idle(report.backend.state)) {
        return report.facts.idle_for;
    }
    return report.statement_for != 0 ? report.statement_for : report.facts.state_for;
}

// A session that no kind of leak describes has been there for the age that its policy
// goes by.
uint64_t judged_age(const Policy& policy, const SessionReport& report) {
    if (report.verdict.leak != Leak::none) {
        return report.verdict.leaked_for;
    }
    if (policy.unused_for != 0 && policy.idle_for == 0) {
        return report.facts.unused_for;
    }
    return policy.xact_for != 0 ? report.xact_for : state_age(report);
}

ReapRecord record_of(const Round& round, const Decision& decision, Action action,
                     const char* outcome) {
    const Policy& policy = round.policy_of(decision);
    const Candidate& candidate = round.candidate_of(decision);
    const SessionReport& report = round.report_of(decision);
    ReapRecord record = make_record(report, candidate.role, candidate.database);
    record.decided_at = GetCurrentTimestamp();
    strlcpy(record.policy, policy.name, sizeof record.policy);
    strlcpy(record.by, round.by, sizeof record.by);
    record.mode = policy.mode;
    record.action = action;
    record.leaked_for = judged_age(policy, report);
    set_outcome(record, outcome);
    return record;
}

void add_result(Round& round, const ReapRecord& record) {
    if (round.wants_results()) {
        round.result.records[round.result.count++] = record;
    }
}

// Writes a row about a pursuit.  What an earlier one waits for is waited for no longer.
void journal(Round& round, const Decision& decision, Pursuit& pursuit, ReapRecord& record) {
    conclude(round.report_of(decision).number, round.log);
    journal_add(record);
    pursuit.journaled = record.sequence;
    add_result(round, record);
}

const char* name_of(Spared spared) {
    switch (spared) {
        case Spared::kept:
            return "refused: kept";
        case Spared::pressure:
            return "refused: pressure eased";
        case Spared::brake:
            return "refused: brake";
        case Spared::breaker:
            return "refused: breaker";
        case Spared::no:
            break;
    }
    return "would";
}

bool is_permitted(const Round& round, const Decision& decision) {
    return round.permitted == nullptr || round.permitted[decision.candidate];
}

// Somebody has claimed it already, or it leaves by itself.
bool is_lost(const SessionReport& report) {
    const claim::Result possible = claim::claimable(report.word);
    return possible == claim::Result::taken || possible == claim::Result::gone;
}

// Same policy, kind, role, database and application: one cause.
uint64_t cause_of(const Round& round, const Decision& decision) {
    const SessionReport& report = round.report_of(decision);
    const auto* const application = reinterpret_cast<const unsigned char*>(report.application);
    uint64 cause = hash_bytes_extended(application, static_cast<int>(strlen(report.application)),
                                       decision.policy);
    cause = hash_combine64(cause, report.identity.role);
    cause = hash_combine64(cause, report.identity.database);
    return hash_combine64(cause, static_cast<uint64>(report.verdict.apparent));
}

// How many decisions of this round have the same cause.
size_t count_cause(Round& round, const Decision& decision) {
    if (round.causes == nullptr) {
        round.causes = static_cast<uint64_t*>(palloc(sizeof(uint64_t) * round.count));
        for (size_t i = 0; i < round.count; i++) {
            round.causes[i] = cause_of(round, round.decisions[i]);
        }
        std::sort(round.causes, round.causes + round.count);
    }
    const auto same =
        std::equal_range(round.causes, round.causes + round.count, cause_of(round, decision));
    return static_cast<size_t>(same.second - same.first);
}

void notify(Round& round, const Decision& decision, const ReapRecord& record) {
    char session[kSessionIdLength + 1];
    format_session_id(record.session, session);
    StringInfoData payload;
    initStringInfo(&payload);
    appendStringInfoString(&payload, "{\"policy\":");
    escape_json(&payload, record.policy);
    appendStringInfo(&payload, ",\"session_id\":\"%s\",\"kind\":", session);
    if (record.kind != Leak::none) {
        escape_json(&payload, name_of(record.kind));
    } else {
        appendStringInfoString(&payload, "null");
    }
    appendStringInfo(&payload, ",\"leaked_seconds\":" UINT64_FORMAT ",\"sessions\":%zu}",
                     record.leaked_for / 1'000'000'000, count_cause(round, decision));
    send_notice(payload.data);
    pfree(payload.data);
}

// Log and notify: nothing is done to the session.
void tell(Round& round, const Decision& decision, Pursuit& pursuit, Step step) {
    ReapRecord record =
        record_of(round, decision, action_of(step), step == Step::notify ? "notified" : "logged");
    if (step == Step::notify) {
        notify(round, decision, record);
    }
    journal(round, decision, pursuit, record);
    round.log.add(record);
    pursuit.progress = {step, round.began};
}

// At what distance the others of its group have been opened lately; 0: none was.
uint64_t usual_gap(const Round& round, const Candidate& victim) {
    uint64_t count = 0;
    uint64_t span = kAtOnce;
    for (int i = 0; i < round.all.count; i++) {
        const Candidate& other = round.candidates[i];
        if (&other != &victim && other.group == victim.group && other.opened_ago < kLately) {
            count++;
            span = Max(span, other.opened_ago);
        }
    }
    return count == 0 ? 0 : span / count;
}

// The session is signalled: its row is completed when the end has come.
void signalled(Round& round, const Decision& decision, Pursuit& pursuit, Step step,
               ReapRecord& record, uint64_t at) {
    const Policy& policy = round.policy_of(decision);
    record.unlogged = true;
    journal(round, decision, pursuit, record);
    pursuit.progress = {step, round.began};
    await_outcome(pursuit, step, round.report_of(decision).backend.state_change, at);
    if (action_of(step) == policy.action) {
        count_for_brake(*round.set, decision.policy, at);
    }
    if (step == Step::terminate) {
        const Candidate& candidate = round.candidate_of(decision);
        Breaker& breaker = need_breaker(candidate.group);
        note_reap(breaker, at, begins_burst(breaker, at) ? usual_gap(round, candidate) : 0);
    }
}

Outcome try_cancel(const Round& round, const Decision& decision) {
    const SessionReport& report = round.report_of(decision);
    SessionSlot* const slot = session_slot(report.number);
    Outcome outcome = nullptr;
    for (int i = 0; i < kCancelAttempts && outcome == nullptr; i++) {
        outcome = attempt_cancel(slot, report.identity, report.backend);
    }
    return outcome;
}

Outcome try_end(const Round& round, const Decision& decision, const ReapRecord& record) {
    const SessionReport& report = round.report_of(decision);
    const Motive motive = {round.by,     record.policy,     nullptr,
                           PG_SQL_ASCII, state_age(report), report.backend.state};
    Judged judged = {report.word, report.backend};
    if (!is_idle(judged.backend.state) && report.verdict.apparent != Leak::stalled_client) {
        // Its statement has taken too long, whoever is waited for meanwhile.
        judged.backend.client_wait = ClientWait::none;
        judged.backend.cpu_time = 0;
    }
    return attempt_end(session_slot(report.number), report.identity, judged, motive);
}

void strike(Round& round, const Decision& decision, Pursuit& pursuit, Step step) {
    ReapRecord record = record_of(round, decision, action_of(step), "");
    const Outcome outcome =
        step == Step::cancel ? try_cancel(round, decision) : try_end(round, decision, record);
    const uint64_t at = monotonic_ns();
    if (outcome == nullptr || strncmp(outcome, "refused:", 8) == 0) {
        return;  // not at this moment: the next round looks again
    }
    set_outcome(record, outcome);
    if (outcome == kStillExiting || outcome == kStillRunning) {
        signalled(round, decision, pursuit, step, record, at);
        return;
    }
    // A case that outlives the idle period, such as that of a session which does nothing but
    // ping, is tried again, and told of once.  Of others there will be another, or none.
    const bool lasts =
        outcome == kWokeUp && pursuit.period != round.report_of(decision).backend.state_change;
    if (!lasts || !pursuit.woke_up) {
        journal(round, decision, pursuit, record);
        round.log.add(record);
    }
    pursuit.woke_up = lasts;
    if (!lasts) {
        pursuit.progress = {step, round.began};
    }
}

void observe(Round& round, const Decision& decision, Pursuit& pursuit) {
    if (pursuit.journaled != 0 && !round.wants_results()) {
        return;
    }
    ReapRecord record = record_of(round, decision, round.policy_of(decision).action, "would");
    if (pursuit.journaled == 0) {
        journal(round, decision, pursuit, record);
    } else {
        add_result(round, record);
    }
}

// Only the breaker is worth a row: what keep, pressure and brake spare is as wished.
void hold(Round& round, const Decision& decision, Pursuit* pursuit) {
    const bool news = pursuit != nullptr && !pursuit->refused;
    if (!news && !round.wants_results()) {
        return;
    }
    ReapRecord record =
        record_of(round, decision, round.policy_of(decision).action, name_of(decision.spared));
    if (news) {
        pursuit->refused = true;
        journal_add(record);
        round.log.add(record);
    }
    add_result(round, record);
}

}  // namespace

void preview(Round& round, const Decision& decision) {
    const Policy& policy = round.policy_of(decision);
    if (policy.action != Action::spare && !is_lost(round.report_of(decision))) {
        add_result(round, record_of(round, decision, policy.action, name_of(decision.spared)));
    }
}

void act_on(Round& round, const Decision& decision) {
    const Policy& policy = round.policy_of(decision);
    const SessionReport& report = round.report_of(decision);
    if (policy.action == Action::spare || is_lost(report)) {
        return;
    }
    if (!is_permitted(round, decision)) {
        add_result(round, record_of(round, decision, policy.action, "refused: permission denied"));
        return;
    }
    const bool broken = decision.spared == Spared::breaker && policy.mode == Mode::enforce;
    if (decision.spared != Spared::no && !broken) {
        hold(round, decision, nullptr);
        return;
    }
    Pursuit& pursuit = pursue(report, policy, period_of(policy, report), round.log);
    if (broken) {
        hold(round, decision, &pursuit);
    } else if (policy.mode == Mode::observe) {
        observe(round, decision, pursuit);
    } else {
        const Step step =
            next_step(policy, round.candidate_of(decision), pursuit.progress, round.began);
        if (step == Step::cancel || step == Step::terminate) {
            strike(round, decision, pursuit, step);
        } else if (step != Step::none) {
            tell(round, decision, pursuit, step);
        }
    }
}

}  // namespace leash
