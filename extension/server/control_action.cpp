#include "server/control_action.h"

#include "server/reap_rows.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace leash {
namespace {

constexpr uint64_t kPatienceNs = static_cast<uint64_t>(kPatience) * 1'000'000;

bool is_reap(ControlVerb verb) {
    return verb == ControlVerb::reap_dry || verb == ControlVerb::reap_now;
}

bool is_pending(Outcome outcome) {
    return outcome == kStillExiting || outcome == kStillRunning;
}

// Whoever is at the socket acts with all rights, so who it was goes to the server's log.
void log_action(const ControlRequest& request, uid_t user) {
    char line[kControlRequestSize];
    const size_t length = format_control_request(request, line);
    line[length - 1] = '\0';
    ereport(LOG, (errhidecontext(true),
                  errmsg("pg_leash control socket: OS user %u asked for \"%s\"",
                         static_cast<unsigned>(user), line + strlen("pgleash 1 "))));
}

void begin_by_hand(ControlAction& action, const ControlRequest& request) {
    const char* const reason = request.reason[0] != '\0' ? request.reason : nullptr;
    SessionIdentity target;
    SessionSlot* const slot = find_session(request.session, target);
    if (slot == nullptr) {
        action.outcome = kGone;
    } else if (request.verb == ControlVerb::cancel) {
        action.outcome = begin_cancel(action.hand, slot, target, reason, PG_UTF8);
    } else {
        action.outcome = begin_terminate(action.hand, slot, target, reason, PG_UTF8, request.force);
    }
    action.hand.target.id = request.session;
}

void require_utf8(const char* reason) {
    if (!pg_verify_mbstr(PG_UTF8, reason, static_cast<int>(strlen(reason)), true)) {
        ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
                        errmsg("the reason is no valid UTF-8")));
    }
}

}  // namespace

bool is_action(ControlVerb verb) {
    return names_session(verb) || is_reap(verb);
}

void begin_action(ControlAction& action, const ControlRequest& request, uid_t user, uint64_t now) {
    action.verb = request.verb;
    action.patience = now + kPatienceNs;
    require_utf8(request.reason);
    if (request.verb != ControlVerb::reap_dry) {
        log_action(request, user);
    }
    if (is_reap(request.verb)) {
        action.round = run_round({request.verb == ControlVerb::reap_dry, GetUserId()});
    } else {
        begin_by_hand(action, request);
    }
}

bool is_complete(ControlAction& action, uint64_t now) {
    if (is_reap(action.verb)) {
        return action.verb == ControlVerb::reap_dry || update_outcomes(action.round) ||
               now >= action.patience;
    }
    if (!is_pending(action.outcome)) {
        return true;
    }
    const bool came_about = has_come_about(action.hand);
    if (!came_about && now < action.patience) {
        return false;
    }
    action.outcome = finish_by_hand(action.hand, came_about);
    return true;
}

void finish_action(ControlAction& action, StringInfo out) {
    if (is_reap(action.verb)) {
        write_round(action.round, out);
    } else {
        write_outcome(action.hand.target.id, action.outcome, out);
    }
}

}  // namespace leash
