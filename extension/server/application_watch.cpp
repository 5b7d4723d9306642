#include "server/application_watch.h"

#include "server/applications.h"
#include "server/history.h"

extern "C" {
#include "utils/memutils.h"
}

namespace leash {
namespace {

// Of the session in the slot of the same number.
struct Watched {
    int32_t application;
    SessionId leaked;  // the last session that was counted as leaked
    uint64_t statements;
    char name[NAMEDATALEN];
};

Watched* watched_sessions = nullptr;  // by slot
ApplicationLevel* levels = nullptr;   // by application
bool* active = nullptr;               // by application: it ran statements
bool any_active = false;
bool refreshing = false;

template <class T>
T* allocate(int count) {
    return static_cast<T*>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(T) * static_cast<Size>(count)));
}

void set_up() {
    watched_sessions = allocate<Watched>(shared()->slots);
    levels = allocate<ApplicationLevel>(shared()->applications);
    active = allocate<bool>(shared()->applications);
}

// Asks again whose session it is, by its name of this moment.
void identify(int number, Watched& watched, bool is_new) {
    SessionIdentity who;
    char name[NAMEDATALEN];
    if (!read_identity(*session_slot(number), who) || !read_application_name(who, name)) {
        return;
    }
    if (!is_new && strcmp(watched.name, name) == 0) {
        return;
    }
    strlcpy(watched.name, name, sizeof watched.name);
    watched.application = application_of(who.role, who.database, who.encoding, name);
    Observation& known = *observation(number);
    known.changes.begin_write();
    known.application = watched.application;
    known.changes.end_write();
}

void look_for_statements(int number, Watched& watched, bool is_new) {
    const uint64_t statements = session_slot(number)->statements.get();
    if (statements != watched.statements && !(is_new && statements == 0)) {
        active[watched.application] = true;
        any_active = true;
    }
    watched.statements = statements;
}

}  // namespace

void begin_levels(bool refresh) {
    if (watched_sessions == nullptr) {
        set_up();
    }
    refreshing = refresh;
    memset(levels, 0, sizeof(ApplicationLevel) * static_cast<size_t>(shared()->applications));
}

void count_level(int number, bool is_new, bool in_use, bool busy) {
    Watched& watched = watched_sessions[number];
    if (is_new) {
        watched.application = kOtherApplications;
        watched.statements = 0;
    }
    if (is_new || refreshing) {
        identify(number, watched, is_new);
        look_for_statements(number, watched, is_new);
    }
    ApplicationLevel& level = levels[watched.application];
    level.sessions++;
    level.in_use += in_use ? 1 : 0;
    level.busy += busy ? 1 : 0;
}

void end_levels(uint64_t elapsed) {
    // Nobody adds applications that have sessions but this process and sessions that end.
    const int count = shared()->applications_known;
    add_levels(levels, count, elapsed);
    if (any_active) {
        note_activity(active, count);
        memset(active, 0, sizeof(bool) * static_cast<size_t>(shared()->applications));
        any_active = false;
    }
}

void watch_verdicts(const SessionReports& all) {
    if (watched_sessions == nullptr) {
        return;
    }
    const int room = shared()->applications;
    auto* const leaked =
        static_cast<uint32_t*>(palloc0(sizeof(uint32_t) * static_cast<Size>(room)));
    bool any = false;
    uint32_t leaked_now = 0;
    for (int i = 0; i < all.count; i++) {
        const SessionReport& report = all.reports[i];
        Watched& watched = watched_sessions[report.number];
        leaked_now += is_leaked(report.verdict.leak) ? 1 : 0;
        if (is_leaked(report.verdict.leak) && !(watched.leaked == report.identity.id)) {
            watched.leaked = report.identity.id;
            leaked[watched.application]++;
            any = true;
        }
    }
    add_leaked_to_history(leaked_now);
    if (any) {
        note_leaked(leaked, shared()->applications_known);
    }
    pfree(leaked);
}

}  // namespace leash
