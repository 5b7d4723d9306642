/* The session: a backend and its client, and whoever gets its slot and process id next.
 * As Owner in test/unit/claim_world.h, which is as extension/server does it. */

/* A SIGTERM that has arrived is taken where the backend looks for interrupts.  It need
 * not look anywhere but at rest and before its commit record. */
#ifdef FREE
#define OR_LOOKS_LATER :: true
#else
#define OR_LOOKS_LATER
#endif

#define TERMINATED ((terminate_to & (1 << me)) != 0)

inline note_death() {
    running = 0;
    MUST(claimed == me, "a session was ended without a claim");
    MUST(!idle_claim || !ACTIVE(reported) || MESSAGE(reported) != message_at_claim,
         "a command reported before the claim was ended")
}

#define CHECK_INTERRUPTS(else_branches)                               \
    atomic {                                                          \
        if                                                            \
        :: TERMINATED -> note_death(); SEEN; goto leave               \
        else_branches                                                 \
        fi                                                            \
    }

inline note_start() {
    MUST(claimed != me, "a statement ran after the claim");
    COUNT(started);
    running = 1
}

#define TAKE_CANCEL                                                       \
    if                                                                    \
    :: cancel_of != 0 -> cancel_of = 0; COUNT(cancelled_count); cancelled = true \
    :: else                                                               \
    fi

inline no_signal_in_commit() {
    MUST(!TERMINATED && cancel_of == 0, "a commit met a signal")
}

proctype Session() {
    byte me = 1;
    byte number;    /* of its message */
    byte sent;      /* messages of this session */
    bool cancelled;
    bool stays;     /* its client does not go away by itself */
    int before;

at_rest:
#ifdef FREE
    if
    :: stays = false
    :: stays = true
    fi;
end_at_rest:
    if
    :: messages < MESSAGES -> stays = false
    :: atomic { TERMINATED -> note_death(); SEEN; goto leave }
    :: !stays -> goto leave
    fi;
#else
    if
    :: sent < MESSAGES -> sent++
    :: sent == MESSAGES && me < SESSIONS -> goto leave
    :: sent == MESSAGES && me == SESSIONS -> goto done
    fi;
#endif

    /* One message: reported, analyzed, executed, ended, answered. */
    atomic {
        messages++; number = messages;
        reported = REPORT(me, number, 1); SEEN
    };
    CHECK_INTERRUPTS(:: !TERMINATED OR_LOOKS_LATER);

    /* start() */
#ifdef START_BLIND
    FETCH_ADD_EPOCH(before = before & ~CLAIMED; note_start());
#else
    FETCH_ADD_EPOCH(
        if
        :: (before & CLAIMED) == 0 -> note_start()
        :: else
        fi);
#endif
    if
    :: (before & CLAIMED) == 0 -> goto runs
    :: else
    fi;
    /* confirmed() */
    do
#ifdef START_IMPATIENT
    :: atomic { true ->
#else
    PAUSE_WHILE((word & UNDECIDED) != 0)
    :: atomic { (word & UNDECIDED) == 0 ->
#endif
           if
           :: (word & CLAIMED) != 0 ->
                  MUST(claimed == me, "a claim that was not decided ended a session");
                  note_death(); SEEN; goto leave
           :: else -> note_start(); SEEN; goto runs
           fi
       }
    od;

runs:
    atomic { ended_message = 0; before = 0; SEEN };
    CHECK_INTERRUPTS(:: !TERMINATED -> TAKE_CANCEL; SEEN OR_LOOKS_LATER);
    atomic { ended_message = number; SEEN };
    /* end() */
    FETCH_ADD_EPOCH(running = 0);
#ifndef END_BLIND
    if
    :: (before & CANCEL_IN_FLIGHT) != 0 -> AWAIT((word & CANCEL_IN_FLIGHT) == 0)
    :: else
    fi;
#endif
    before = 0;

    if
#ifdef FREE
    :: goto answered
    :: !cancelled -> skip
#else
    :: cancelled || sent > COMMITS -> goto answered
    :: !cancelled && sent <= COMMITS -> skip
#endif
    fi;
    /* committing() */
    FETCH_OR(COMMITTING);
#ifdef COMMIT_BLIND
    before = 0;
#endif
    if
    :: (before & ANY_IN_FLIGHT) != 0 -> AWAIT((word & ANY_IN_FLIGHT) == 0)
    :: else
#ifdef COMMIT_TAKES_NOTHING_PENDING
       -> goto writes
#endif
    fi;
    before = 0;
    CHECK_INTERRUPTS(:: !TERMINATED -> TAKE_CANCEL; SEEN);
    if
    :: cancelled -> goto committed
    :: else
    fi;
writes:
    atomic { committing = 1; no_signal_in_commit(); SEEN };
    atomic { committing = 0; COUNT(committed_count); no_signal_in_commit(); SEEN };
committed:
    FETCH_AND_NOT(COMMITTING, skip);

answered:
    atomic {
        cancelled = false;
        COUNT(completed);
        reported = REPORT(me, number, 0);
        cancel_of = 0;  /* PostgreSQL discards what comes between commands */
        number = 0; before = 0;
        SEEN
    };
    CHECK_INTERRUPTS(:: !TERMINATED);
    goto at_rest;

leave:
    /* close() */
    atomic { before = 0; number = 0; cancelled = false; stays = false };
    FETCH_OR(EXITING);
    before = 0;
#ifndef EXIT_BLIND
    AWAIT((word & ANY_IN_FLIGHT) == 0);
#endif
    before = word;
    atomic { word = (before & EPOCH_MASK) + EPOCH_ONE; word_of = 0; SEEN };
    atomic { pid_names = 0; reported = 0; exits++; before = 0; SEEN };

    /* open() */
    if
    :: me == SESSIONS -> goto done
    :: else
    fi;
    me++;
    sent = 0;
    atomic { pid_names = me; reported = REPORT(me, messages, 0); SEEN };
    before = word;
#ifdef EPOCH_RESET
    before = 0;
#endif
    atomic { word = ((before & EPOCH_MASK) + EPOCH_ONE) | OPEN; word_of = me; before = 0; SEEN };
    goto at_rest;
done:
    skip
}
