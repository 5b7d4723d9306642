// What each application did and needs: counted when its sessions end, and sampled by
// the worker while they live.
#pragma once

#include "server/session_report.h"
#include "server/shared_state.h"

namespace leash {

inline constexpr int kOtherApplications = 0;  // the entry of those that found no room

// The application of a session, by its name of this moment; made when it is new.
// Takes Lock::applications.
int application_of(Oid role, Oid database, int32_t encoding, const char* name);

// An entry is known from now on.
void begin_application(Application& entry);

// This backend's session ends: folds it into its application.  Called on the way out,
// while its slot is still its own.
void fold_session();

// What one sample saw of an application.
struct ApplicationLevel {
    uint32_t sessions;
    uint32_t in_use;
    uint32_t busy;
};

// Adds the levels of a sample, each for `elapsed` ns; one per application known.
void add_levels(const ApplicationLevel* levels, int count, uint64_t elapsed);

// Sessions of an application ran statements in this minute.
void note_activity(const bool* active, int count);

// Sessions whose application found no room: those that live, and those that have ended
// since that was reset.
uint64_t sessions_without_room();
void forget_sessions_without_room();

// The wall clock was set back: minutes that it showed before have not come yet.
void forget_future_minutes();

// Sessions that were judged leaked for the first time, one count per application.
void note_leaked(const uint32_t* leaked, int count);

// Learns the habits anew; the worker calls it now and then.
void learn_habits();

// What has been learned of a session's application.
Habits habits_of(int number);

// For how long it has been watched, in ns.
inline uint64_t known_for(const Application& application, uint64_t now) {
    return application.known_before + (now > application.known_at ? now - application.known_at : 0);
}

// Copies all applications that are known into the current memory context.
int copy_applications(Application** copies);

// The same with what sessions have done that live and are not folded yet.  How many those
// are of each comes in `living`.
struct LivingApplications {
    Application* entries;
    uint64_t* living;
    int count;
};
LivingApplications read_applications();

// Forgets what was counted and measured, and which habits were learned.  Sessions that live
// go on being counted, with what they do from now on; names and active minutes stay.
void forget_applications();

}  // namespace leash
