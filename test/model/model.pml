/* The claim, for SPIN: who takes part, what is bounded, and what must hold.
 *
 * Bounded are the sessions that follow each other in the slot, the messages in all, and
 * the attempts: each reaper makes one.  Nothing else is: every order of steps is tried, a
 * client may leave after any message or stay for ever, a message may commit or not, a
 * backend may look for interrupts at once or late.
 *
 * script/model runs all of it; by hand:
 *   spin -a -DFREE model.pml                everything that the bounds allow
 *   spin -a -DFREE -DTORN_SWAP model.pml    a mutant: must fail
 *   spin -a -DFREE -DBUSY model.pml         progress, with pan -a -f -N NAME
 *   spin -a -DPROJECT -DMESSAGES=2 ...      one script, whose states are printed
 */

#ifndef SESSIONS
#define SESSIONS 2
#endif
#ifndef MESSAGES
#define MESSAGES 2      /* in all; of each session in a script */
#endif
#ifndef COMMITS
#define COMMITS 0       /* how many of a session's messages do, in a script */
#endif
#ifndef IDLE_REAPERS
#define IDLE_REAPERS 2
#endif
#ifndef FORCED_REAPERS
#define FORCED_REAPERS 1
#endif
#ifndef CANCELLERS
#define CANCELLERS 1
#endif

#ifdef PROJECT
#define SEEN c_code { note_state(); }
#define MUST(condition, property) skip
#else
#define SEEN skip
#define MUST(condition, property)                                       \
    if                                                                  \
    :: (condition) -> skip                                              \
    :: else -> c_code { printf("violated: %s\n", property); }; assert(false) \
    fi
#endif

/* What PostgreSQL reports of the session in the slot; 0: there is none. */
#define REPORT(session, message, active) (((session) << 5) | ((message) << 1) | (active))
#define SESSION(report) ((report) >> 5)
#define MESSAGE(report) (((report) >> 1) & 15)
#define ACTIVE(report) (((report) & 1) != 0)

#include "claim.pml"

/* The world, as in test/unit/claim_world.h. */
short reported = REPORT(1, 0, 0);
byte pid_names = 1;     /* the session whose process has the pid */
byte terminate_to;      /* a bit for each session: a SIGTERM has arrived */
byte cancel_of;         /* the message in which a SIGINT is pending */
byte ended_message;     /* the message whose statement has ended */
/* Notes, for the properties. */
byte messages;          /* that were reported */
bool running;           /* a statement is, from start() to end() */
byte claimed;           /* the session that was, at last */
bool idle_claim;
byte message_at_claim;  /* the one reported at the swap; 0: idle */
bool committing;        /* the commit record is being written */
byte exits;
byte word_of = 1;       /* the session that has opened the word */
/* Notes for the comparison alone: they would make many states of one. */
#ifdef PROJECT
byte started;
byte completed;
byte claims;
byte signals;
byte committed_count;
byte cancelled_count;
#define COUNT(note) note++
#else
#define COUNT(note) skip
#endif

#ifdef PROJECT
c_decl {
\#include "state.h"
}
c_code {
static void note_state(void) {
    struct claim_state state;
    if (seen_size == 0) {
        atexit(print_states);
    }
    state.flags = now.word & 127;
    state.epoch = now.word >> EPOCH_SHIFT;
    state.note = (now.word & NOTE_MASK) >> NOTE_SHIFT;
    state.session = SESSION(now.reported);
    state.message = MESSAGE(now.reported);
    state.active = ACTIVE(now.reported);
    state.pid_names = now.pid_names;
    state.terminate_to = now.terminate_to;
    state.cancel_of = now.cancel_of;
    state.ended_message = now.ended_message;
    state.messages = now.messages;
    state.started = now.started;
    state.running = now.running;
    state.completed = now.completed;
    state.claimed = now.claimed;
    state.idle_claim = now.idle_claim;
    state.message_at_claim = now.message_at_claim;
    state.claims = now.claims;
    state.signals = now.signals;
    state.committing = now.committing;
    state.committed = now.committed_count;
    state.cancelled = now.cancelled_count;
    state.exits = now.exits;
    remember_state(&state);
}
}
#endif

#include "session.pml"
#include "reapers.pml"

init {
    atomic {
        SEEN;
        run Session();
#if IDLE_REAPERS > 0
        run IdleReaper(1);
#endif
#if IDLE_REAPERS > 1
        run IdleReaper(2);
#endif
#if FORCED_REAPERS > 0
        run ForcedReaper(3);
#endif
#if CANCELLERS > 0
        run Canceller();
#endif
    }
}

#ifdef BUSY
/* No claim is forgotten: it is decided, its signal arrives, its session ends; and a
 * command is answered, or ends with its session. */
ltl decided { [] ((word & UNDECIDED) != 0 -> <> ((word & UNDECIDED) == 0)) }
ltl delivered { [] ((word & ANY_IN_FLIGHT) != 0 -> <> ((word & ANY_IN_FLIGHT) == 0)) }
ltl ended { [] (claimed > exits -> <> (claimed <= exits)) }
ltl answered { [] (ACTIVE(reported) -> <> (!ACTIVE(reported))) }
#endif
