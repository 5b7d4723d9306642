/* Those who end sessions and cancel statements, one attempt each.  As Reaper in
 * test/unit/claim_world.h, which is as extension/server/reaper.cpp does it. */

#ifdef ANY_TARGET
#define CHOOSE_TARGET if :: target = 1 :: SESSIONS > 1 -> target = 2 fi
#else
#define CHOOSE_TARGET target = 1
#endif

inline note_claim(by_idle, message) {
    MUST(!(by_idle) || !running, "a running statement was claimed as idle");
    MUST(claimed != target, "two reapers claimed one session");
    COUNT(claims);
    claimed = target;
    idle_claim = by_idle;
    message_at_claim = message
}

inline send_terminate() {
    atomic {
        COUNT(signals);
        MUST(pid_names == target, "a signal to another process");
        MUST((word & CLAIMED) != 0 && claimed == target, "a signal without a claim");
        MUST(!committing, "a commit met a signal");
        if
        :: pid_names == target -> terminate_to = terminate_to | (1 << target)
        :: else
        fi;
        SEEN
    }
}

inline send_cancel() {
    atomic {
        COUNT(signals);
        MUST(pid_names == target, "a signal to another process");
        if
        :: pid_names == target && ACTIVE(reported) ->
               MUST(MESSAGE(reported) == MESSAGE(judged), "a cancel hit another message");
               MUST(!committing, "a commit met a signal");
               cancel_of = MESSAGE(judged)
        :: else  /* between commands: PostgreSQL discards it */
        fi;
        SEEN
    }
}

/* By the epoch alone, whatever PostgreSQL's state tells later. */
#ifdef UNWATCHED_SWAP
#define MUST_SWAP_ITS_OWN skip
#else
#define MUST_SWAP_ITS_OWN MUST(word_of == target, "the word of another session was swapped")
#endif

/* claim_idle(), by leash.terminate() and by policies. */
proctype IdleReaper(byte note) {
    byte target;
    byte at_swap;
    short judged;
    bool swapped;
    int seen, expected, undecided;
#ifdef TORN_SWAP
    int found;
#endif

    atomic { CHOOSE_TARGET; seen = word };
    atomic {  /* 1 */
        judged = reported;
        if
        :: (seen & OPEN) == 0 || SESSION(judged) != target || ACTIVE(judged) -> goto done
        :: else -> skip
        fi;
        if
        :: CLAIMABLE(seen) -> undecided = WITH_NOTE(seen, note) | UNDECIDED | FLAG_IN_FLIGHT
        :: else -> goto done
        fi;
        expected = seen; seen = 0
    };
    COMPARE_EXCHANGE(expected, undecided,  /* 2 */
        MUST_SWAP_ITS_OWN);
    if
    :: !swapped -> goto done
    :: else
    fi;
    atomic { swapped = false; expected = 0 };
#ifndef NO_SECOND_LOOK
    if  /* 3 */
    :: reported != judged -> goto withdraw
    :: reported == judged -> skip
    fi;
#endif
#ifdef SIGNAL_FIRST
    send_terminate();
#endif
    expected = undecided;
    COMPARE_EXCHANGE(expected, undecided | CLAIMED,  /* 4 */
        at_swap = (ACTIVE(reported) -> MESSAGE(reported) : 0));
    if
    :: !swapped -> goto withdraw
    :: else
    fi;
    atomic { swapped = false; expected = 0; undecided = 0 };
#if !defined(NO_SECOND_LOOK) && !defined(NO_LAST_LOOK)
    if  /* 5 */
    :: reported != judged -> goto withdraw
    :: reported == judged -> skip
    fi;
#endif
#ifdef UNDECIDED_FOR_EVER
    atomic { note_claim(true, at_swap); SEEN };
#else
    FETCH_AND_NOT(UNDECIDED, note_claim(true, at_swap); at_swap = 0);
#endif
#if !defined(SIGNAL_FIRST) && !defined(CLAIM_FORGOTTEN)
    send_terminate();  /* 6 */
#endif
#ifndef IN_FLIGHT_FOR_EVER
    FETCH_AND_NOT(IN_FLIGHT, skip);
#endif
    goto done;
withdraw:
#ifndef WITHDRAWS_NOTHING
    FETCH_AND_NOT(UNDECIDED | CLAIMED | IN_FLIGHT, skip);
#endif
done:
    atomic { target = 0; swapped = false; at_swap = 0; judged = 0; seen = 0; expected = 0; undecided = 0 }
}

/* claim_any(), by leash.terminate(force => true). */
proctype ForcedReaper(byte note) {
    byte target;
    bool swapped;
    int current;
#ifdef TORN_SWAP
    int found;
#endif

    CHOOSE_TARGET;
    if
    :: SESSION(reported) != target -> goto done
    :: SESSION(reported) == target -> skip
    fi;
    current = word;
    do
    :: !CLAIMABLE(current) -> goto done
    :: CLAIMABLE(current) ->
           COMPARE_EXCHANGE(current, WITH_NOTE(current, note) | UNDECIDED | FLAG_IN_FLIGHT, skip);
           if
           :: swapped -> break
           :: else
           fi
    od;
    atomic { swapped = false; current = 0 };
#ifndef NO_SECOND_LOOK
    if
    :: SESSION(reported) != target -> goto withdraw
    :: SESSION(reported) == target -> skip
    fi;
#endif
#ifdef SIGNAL_FIRST
    send_terminate();
#endif
    current = word;
    do
    :: (current & FLAGS_AGAINST_FORCE) != 0 -> goto withdraw
    :: (current & FLAGS_AGAINST_FORCE) == 0 ->
           COMPARE_EXCHANGE(current, (current & ~UNDECIDED) | CLAIMED, note_claim(false, 0));
           if
           :: swapped -> break
           :: else
           fi
    od;
    atomic { swapped = false; current = 0 };
#if !defined(SIGNAL_FIRST) && !defined(CLAIM_FORGOTTEN)
    send_terminate();
#endif
#ifndef IN_FLIGHT_FOR_EVER
    FETCH_AND_NOT(IN_FLIGHT, skip);
#endif
    goto done;
withdraw:
#ifndef WITHDRAWS_NOTHING
    FETCH_AND_NOT(UNDECIDED | CLAIMED | IN_FLIGHT, skip);
#endif
done:
    atomic { target = 0; swapped = false; current = 0 }
}

/* flag_cancel(), by leash.cancel(). */
proctype Canceller() {
    byte target;
    short judged;
    bool swapped;
    int seen;
#ifdef TORN_SWAP
    int found;
#endif

    atomic { CHOOSE_TARGET; seen = word };
    atomic {
        judged = reported;
        if
        :: (seen & OPEN) == 0 || SESSION(judged) != target || !ACTIVE(judged) -> goto done
        :: else -> skip
        fi
    };
#ifndef CANCEL_IN_THE_TAIL
    if
    :: ended_message == MESSAGE(judged) -> goto done
    :: ended_message != MESSAGE(judged) -> skip
    fi;
#endif
    if
    :: !CLAIMABLE(seen) -> goto done
    :: else
    fi;
    COMPARE_EXCHANGE(seen, seen | CANCEL_IN_FLIGHT,
        MUST_SWAP_ITS_OWN);
    if
    :: !swapped -> goto done
    :: else
    fi;
    atomic { swapped = false; seen = 0 };
#ifndef NO_SECOND_LOOK
    if
    :: reported != judged -> goto finish
    :: reported == judged -> skip
    fi;
#endif
    send_cancel();
finish:
    FETCH_AND_NOT(CANCEL_IN_FLIGHT, skip);
done:
    atomic { target = 0; swapped = false; judged = 0; seen = 0 }
}
