#include "server/policy_check.h"

#include "server/policy_row.h"

#include "core/policy_names.h"

namespace leash {
namespace {

constexpr uint32_t bit(State state) {
    return 1u << static_cast<unsigned>(state);
}

constexpr uint32_t kActive = bit(State::active) | bit(State::fastpath);
constexpr uint32_t kInTransaction =
    bit(State::idle_in_transaction) | bit(State::idle_in_transaction_aborted);
constexpr uint32_t kIdle = bit(State::idle) | kInTransaction;

// The states in which a session can be of this kind.
constexpr uint32_t states_of(Leak kind) {
    switch (kind) {
        case Leak::idle_in_transaction:
            return bit(State::idle_in_transaction);
        case Leak::aborted_transaction:
            return bit(State::idle_in_transaction_aborted);
        case Leak::abandoned:
        case Leak::never_used:
        case Leak::ping_only:
        case Leak::unused:
            return bit(State::idle);
        case Leak::peer_gone:
        case Leak::stalled_client:
        case Leak::none:
            break;
    }
    return kIdle | kActive;
}

uint32_t states_of_kinds(uint32_t kinds) {
    uint32_t states = 0;
    for (const Leak kind : kPolicyKinds) {
        if ((kinds & (1u << static_cast<unsigned>(kind))) != 0) {
            states |= states_of(kind);
        }
    }
    return states;
}

[[noreturn]] void contradiction(const Policy& policy, const char* column, const char* detail,
                                const char* hint) {
    ereport(
        ERROR,
        (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
         errmsg("policy \"%s\" can match no session: column \"%s\" contradicts the others",
                policy.name, column),
         errdetail("%s", detail), hint != nullptr ? errhint("%s", hint) : 0, error_column(column)));
}

void require_criterion(const Policy& policy) {
    const bool any = policy.kinds != 0 || policy.idle_for != 0 || policy.unused_for != 0 ||
                     policy.xact_for != 0 || policy.statement_for != 0 || policy.learned ||
                     policy.peer_gone;
    if (policy.action != Action::spare && !any) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("policy \"%s\" would act on sessions at once", policy.name),
                        errdetail("It asks for no kind of leak and for no age."),
                        errhint("Set at least one of kinds, idle_for, unused_for, xact_for, "
                                "statement_for, learned and peer_gone."),
                        error_column(nullptr)));
    }
}

// Narrows down the states in which a session may match; where none is left, the
// policy matches nothing.
void check_states(const Policy& policy) {
    uint32_t states = policy.states != 0 ? policy.states : kIdle | kActive;
    if (policy.kinds != 0) {
        states &= states_of_kinds(policy.kinds);
        if (states == 0) {
            contradiction(policy, "kinds", "No session is of these kinds in these states.",
                          nullptr);
        }
    }
    if (policy.idle_for != 0 || policy.learned) {
        states &= kIdle;
        if (states == 0) {
            contradiction(policy, policy.learned ? "learned" : "idle_for",
                          "A session that is active has not been idle.",
                          "Use statement_for for statements that run too long.");
        }
    }
    if (policy.xact_for != 0) {
        states &= kInTransaction | kActive;
        if (states == 0) {
            contradiction(policy, "xact_for",
                          "The sessions that the other columns ask for are in no transaction.",
                          nullptr);
        }
    }
    if (policy.statement_for != 0) {
        states &= kActive;
        if (states == 0) {
            contradiction(policy, "statement_for",
                          "The sessions that the other columns ask for run no statement.", nullptr);
        }
    }
    // Active sessions are matched where they are asked for alone.
    const bool asked_for = (policy.states & kActive) != 0 || policy.statement_for != 0 ||
                           (policy.kinds != 0 && (states_of_kinds(policy.kinds) & kActive) != 0);
    if (policy.action == Action::cancel && ((states & kActive) == 0 || !asked_for)) {
        contradiction(policy, "action",
                      "Only a statement that runs can be canceled, and the policy asks for "
                      "sessions that run none.",
                      "Ask for active sessions by statement_for or states, or use \"terminate\".");
    }
}

void warn(const Policy& policy, const char* column) {
    ereport(WARNING,
            (errcode(ERRCODE_WARNING),
             errmsg("column \"%s\" of policy \"%s\" has no effect", column, policy.name),
             errdetail("It matters to policies that cancel or terminate, and the action of "
                       "this one is \"%s\".",
                       name_of(policy.action)),
             error_column(column)));
}

}  // namespace

void check_policy(const Policy& policy) {
    if (policy.learned && policy.idle_for != 0) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("policy \"%s\" has both \"learned\" and \"idle_for\"", policy.name),
                        errdetail("With \"learned\", what each application is used to stands in "
                                  "place of \"idle_for\"."),
                        errhint("Set one of them."), error_column("learned")));
    }
    require_criterion(policy);
    check_states(policy);
}

void warn_without_effect(const Policy& policy) {
    if (policy.action == Action::cancel || policy.action == Action::terminate) {
        return;
    }
    if (policy.keep != 0) {
        warn(policy, "keep");
    }
    if (policy.pressure_above != 0) {
        warn(policy, "pressure_above");
    }
    if (policy.max_per_minute != 0) {
        warn(policy, "max_per_minute");
    }
    if (policy.grace != 0) {
        warn(policy, "grace");
    }
}

}  // namespace leash
