#include "ladder.h"

namespace leash {
namespace {

Step step_of(Action action) {
    switch (action) {
        case Action::log:
            return Step::log;
        case Action::notify:
            return Step::notify;
        case Action::cancel:
            return Step::cancel;
        case Action::terminate:
            return Step::terminate;
        case Action::spare:
            break;
    }
    return Step::none;
}

}  // namespace

bool cancel_works(State state, ClientWait wait) {
    // A fast-path call has no end that can be seen, so that a cancel could hit what
    // comes after it.
    return state == State::active && wait == ClientWait::none;
}

Step next_step(const Policy& policy, const Candidate& candidate, const Progress& progress,
               uint64_t now) {
    const Step last = step_of(policy.action);
    if (progress.taken >= last) {
        return Step::none;
    }
    const bool can_cancel = cancel_works(candidate.state, candidate.client_wait);
    Step next = last;
    if (policy.grace != 0 && last > Step::notify) {
        if (progress.taken < Step::notify) {
            next = Step::notify;
        } else if (progress.taken < Step::cancel && can_cancel) {
            next = Step::cancel;
        }
    }
    if (next == Step::cancel && !can_cancel) {
        return Step::none;
    }
    const bool waits = progress.taken != Step::none && policy.grace != 0 &&
                       (now < progress.taken_at || now - progress.taken_at < policy.grace);
    return waits ? Step::none : next;
}

}  // namespace leash
