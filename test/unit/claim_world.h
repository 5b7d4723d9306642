// A PostgreSQL small enough to be explored: one session slot, the claim word in it,
// what PostgreSQL reports of the session, the process that a pid names, and the
// signals it got.  Sessions and reapers are written as the server's code is
// (extension/server/{statement,transaction,session,reaper}.cpp), with the same
// calls of core/claim.h; each touch of the world is a step of the explorer.
#pragma once

#include "core/claim.h"
#include "explorer.h"

namespace leash::test {

// Everything is a whole word: the explorer hashes it byte by byte.
struct World {
    uint64_t word;
    // PostgreSQL's own entry: session number, message number, active or not.
    uint64_t reported;
    uint64_t pid_names;      // the session whose process has the pid, 0: none
    uint64_t terminate_to;   // bit per session: a SIGTERM has arrived
    uint64_t cancel_of;      // the message in which a SIGINT is pending, 0: none
    uint64_t ended_message;  // the slot's: the message whose statement has ended, 0: none
    // Notes, for the properties.
    uint64_t messages;          // how many were reported
    uint64_t started;           // how many passed start()
    uint64_t running;           // 1: from start() to end()
    uint64_t completed;         // how many ran to their end
    uint64_t to_send;           // how many the clients will send
    uint64_t claimed;           // the session that was claimed, 0: none
    uint64_t started_at_claim;  // `started` when it was
    uint64_t idle_claim;        // 1: by claim_idle, which must end no command
    uint64_t message_at_claim;  // the one that PostgreSQL reported at the swap, 0: idle
    uint64_t claims;
    uint64_t signals;
    uint64_t committing;
    uint64_t committed;
    uint64_t cancelled;
    uint64_t exits;
};

constexpr uint64_t pack_report(uint64_t session, uint64_t message, bool active) {
    return session << 32 | message << 1 | (active ? 1 : 0);
}
constexpr uint64_t session_in(uint64_t report) {
    return report >> 32;
}
constexpr uint64_t message_in(uint64_t report) {
    return (report & 0xffffffff) >> 1;
}
constexpr bool active_in(uint64_t report) {
    return (report & 1) != 0;
}

// The atomic that claim.h is run on: each operation is one step.
struct SteppedAtomic {
    uint64_t& cell;

    uint64_t load() {
        Stage::step();
        return Stage::saw(cell);
    }
    void store(uint64_t v) {
        Stage::step();
        cell = v;
    }
    uint64_t fetch_add(uint64_t v) {
        const uint64_t seen = load();
        cell = seen + v;
        return seen;
    }
    uint64_t fetch_or(uint64_t v) {
        const uint64_t seen = load();
        cell = seen | v;
        return seen;
    }
    uint64_t fetch_and(uint64_t v) {
        const uint64_t seen = load();
        cell = seen & v;
        return seen;
    }
    bool compare_exchange(uint64_t& expected, uint64_t desired) {
        const uint64_t seen = load();
        if (seen != expected) {
            expected = seen;
            return false;
        }
        cell = desired;
        return true;
    }
};

// A session and its client.  Atomic is SteppedAtomic or a broken one.
template <class Atomic = SteppedAtomic>
class Owner {
public:
    Owner(World& world, uint64_t session) : world_(world), word_{world.word}, session_(session) {}

    // Log in: take the slot and the pid.
    void login(bool forget_epoch = false) {
        Stage::step();
        world_.pid_names = session_;
        world_.reported = pack_report(session_, world_.messages, false);
        if (forget_epoch) {
            word_.store(claim::kEpochOne | claim::kOpen);
        } else {
            claim::open(word_);
        }
        alive_ = true;
    }

    // The session was open when the play began.
    void was_logged_in() { alive_ = true; }

    bool alive() const { return alive_; }

    // One message from the client: reported, analyzed, executed, ended, answered.
    // `commit` comes between the statement's end and the answer.
    template <class Commit>
    void message(Commit commit) {
        if (!alive_) {
            return;
        }
        Stage::step();
        const uint64_t number = ++world_.messages;
        world_.reported = pack_report(session_, number, true);
        if (check_interrupts()) {
            return;
        }
        if (claim::start(word_) && claim::confirmed(word_, Pause{world_})) {
            if (world_.claims == 0) {
                Stage::violate("a claim that was not decided ended a session");
            }
            die();
            return;
        }
        const uint64_t start = ++world_.started;
        world_.running = 1;
        Stage::step();
        world_.ended_message = 0;
        if (world_.claimed == session_ && start > world_.started_at_claim) {
            Stage::violate("a statement ran after the claim");
        }
        if (check_interrupts()) {
            return;
        }
        const bool cancelled = take_cancel();
        Stage::step();
        world_.ended_message = number;
        const bool in_flight = claim::end(word_);
        world_.running = 0;
        if (in_flight) {
            claim::await_signals(word_, claim::kCancelInFlight, Pause{world_});
        }
        if (!cancelled && !commit(*this)) {
            return;
        }
        Stage::step();
        world_.completed++;
        world_.reported = pack_report(session_, number, false);
        world_.cancel_of = 0;  // PostgreSQL discards what came between commands
        (void)check_interrupts();
    }
    void message() {
        message([](Owner&) { return true; });
    }

    // What extension/server/transaction.cpp does around a commit record.  False
    // when the session ended on the way.
    bool commit(bool checks_always = true) {
        const bool in_flight = claim::committing(word_);
        if (in_flight) {
            claim::await_signals(word_, claim::kAnyInFlight, Pause{world_});
        }
        if (in_flight || checks_always) {
            if (check_interrupts()) {
                return false;
            }
            if (take_cancel()) {
                claim::committed(word_);
                return true;
            }
        }
        Stage::step();
        world_.committing = 1;
        note_signals_in_commit();
        Stage::step();
        world_.committing = 0;
        world_.committed++;
        note_signals_in_commit();
        claim::committed(word_);
        return true;
    }

    // The client goes away.  `waits`: false for a backend that does not wait for
    // signals on their way.
    void exit(bool waits = true) {
        if (!alive_) {
            return;
        }
        alive_ = false;
        if (waits) {
            claim::close(word_, Pause{world_});
        } else {
            word_.fetch_or(claim::kExiting);
            word_.store((word_.load() & claim::kEpochMask) + claim::kEpochOne);
        }
        Stage::step();
        world_.pid_names = 0;
        world_.reported = 0;
        world_.exits++;
    }

private:
    // Waits until the word is another one: what a real pause comes to, in the end.
    struct Pause {
        World& world;
        void operator()() const { Stage::wait_for_change(world.word, world.word); }
    };

    bool check_interrupts() {
        Stage::step();
        if (Stage::saw(world_.terminate_to >> session_ & 1) == 0) {
            return false;
        }
        die();
        return true;
    }

    bool take_cancel() {
        if (Stage::saw(world_.cancel_of) == 0) {
            return false;
        }
        world_.cancel_of = 0;
        world_.cancelled++;
        return true;
    }

    void die() {
        world_.running = 0;
        if (world_.idle_claim != 0 && active_in(world_.reported) &&
            message_in(world_.reported) == world_.message_at_claim) {
            Stage::violate("a command reported before the claim was ended");
        }
        exit();
    }

    void note_signals_in_commit() {
        if ((Stage::saw(world_.terminate_to) >> session_ & 1) != 0 ||
            Stage::saw(world_.cancel_of) != 0) {
            Stage::violate("a commit met a signal");
        }
    }

    World& world_;
    Atomic word_;
    const uint64_t session_;
    bool alive_ = false;
};

// Which part of the protocol a reaper leaves out.
struct Shortcut {
    bool no_second_look = false;    // nor a last one
    bool no_last_look = false;      // between the second swap and the signal
    bool signals_early = false;     // after the second look, before the second swap
    bool cancels_the_tail = false;  // does not ask whether the statement has ended
};

template <class Atomic = SteppedAtomic>
class Reaper {
public:
    Reaper(World& world, Shortcut shortcut = {}, uint16_t note = 1)
        : world_(world), word_{world.word}, cut_(shortcut), note_(note) {}

    // leash.terminate() of session `target`: one attempt.
    claim::Result terminate_idle(uint64_t target) {
        const uint64_t seen = word_.load();
        Stage::step();
        const uint64_t judged = Stage::saw(world_.reported);
        if ((seen & claim::kOpen) == 0 || session_in(judged) != target || active_in(judged)) {
            return claim::Result::gone;
        }
        bool swapped = false;
        const auto look_again = [&] {
            if (cut_.no_second_look || (cut_.no_last_look && swapped)) {
                return true;
            }
            Stage::step();
            return Stage::saw(world_.reported) == judged;
        };
        uint64_t at_swap = 0;
        const auto point = [&](int step) {
            if (step == 3 && cut_.signals_early) {
                send_terminate(target);
            }
            if (step == 4) {
                swapped = true;
                at_swap = Stage::saw(world_.reported);
            }
            if (step == 5) {
                note_claim(target, true, at_swap);
            }
        };
        const claim::Result result = claim::claim_idle(word_, seen, note_, look_again, point);
        if (result == claim::Result::won) {
            if (!cut_.signals_early) {
                send_terminate(target);
            }
            claim::finish_claim(word_);
        }
        return result;
    }

    // leash.terminate(force => true).
    claim::Result terminate_any(uint64_t target) {
        const auto may_be_ended = [&] {
            Stage::step();
            return session_in(Stage::saw(world_.reported)) == target ? claim::Result::won
                                                                     : claim::Result::gone;
        };
        if (may_be_ended() != claim::Result::won) {
            return claim::Result::gone;
        }
        const claim::Result result = claim::claim_any(word_, note_, may_be_ended, [&](int step) {
            if (step == 5) {
                note_claim(target, false, 0);
            }
        });
        if (result == claim::Result::won) {
            send_terminate(target);
            claim::finish_claim(word_);
        }
        return result;
    }

    // leash.cancel().
    claim::Result cancel(uint64_t target) {
        const uint64_t seen = word_.load();
        Stage::step();
        const uint64_t judged = Stage::saw(world_.reported);
        if ((seen & claim::kOpen) == 0 || session_in(judged) != target || !active_in(judged)) {
            return claim::Result::gone;
        }
        Stage::step();
        if (Stage::saw(world_.ended_message) == message_in(judged) && !cut_.cancels_the_tail) {
            return claim::Result::woke_up;
        }
        const auto still_runs = [&] {
            Stage::step();
            return cut_.no_second_look || Stage::saw(world_.reported) == judged;
        };
        const claim::Result result = claim::flag_cancel(word_, seen, still_runs, [](int) {});
        if (result == claim::Result::won) {
            send_cancel(target, message_in(judged));
            claim::finish_cancel(word_);
        }
        return result;
    }

private:
    void note_claim(uint64_t target, bool idle, uint64_t at_swap) {
        if (idle && world_.running != 0) {
            Stage::violate("a running statement was claimed as idle");
        }
        world_.claims++;
        world_.claimed = target;
        world_.started_at_claim = world_.started;
        world_.idle_claim = idle ? 1 : 0;
        world_.message_at_claim = active_in(at_swap) ? message_in(at_swap) : 0;
    }

    void send_terminate(uint64_t target) {
        Stage::step();
        world_.signals++;
        if (world_.pid_names != target) {
            Stage::violate("a signal to another process");
            return;
        }
        if ((world_.word & claim::kClaimed) == 0 || world_.claimed != target) {
            Stage::violate("a signal without a claim");
        }
        if (world_.committing != 0) {
            Stage::violate("a commit met a signal");
        }
        world_.terminate_to |= uint64_t{1} << target;
    }

    void send_cancel(uint64_t target, uint64_t message) {
        Stage::step();
        world_.signals++;
        if (world_.pid_names != target) {
            Stage::violate("a signal to another process");
            return;
        }
        if (!active_in(world_.reported)) {
            return;  // between commands: PostgreSQL discards it
        }
        if (message_in(world_.reported) != message) {
            Stage::violate("a cancel hit another message");
        }
        if (world_.committing != 0) {
            Stage::violate("a commit met a signal");
        }
        world_.cancel_of = message;
    }

    World& world_;
    Atomic word_;
    const Shortcut cut_;
    const uint16_t note_;
};

// Session 1 is open and idle; it has had one message.
inline World idle_session() {
    World world{};
    world.word = 2 * claim::kEpochOne | claim::kOpen;
    world.reported = pack_report(1, 0, false);
    world.pid_names = 1;
    return world;
}

// What must hold when everybody is done.
inline void settled(const World& world) {
    if ((world.word & (claim::kUndecided | claim::kAnyInFlight | claim::kCommitting)) != 0) {
        Stage::violate("a flag was left behind");
    }
    if (world.claims > 1) {
        Stage::violate("two reapers claimed one session");
    }
    // A signal that reaches an idle session ends it, though nobody plays that.
    if (world.claims != 0 && world.exits == 0 && world.terminate_to == 0) {
        Stage::violate("a claimed session lived on");
    }
    if (world.claims == 0 && world.exits == 0 && world.completed != world.to_send) {
        Stage::violate("a command was lost");
    }
}

}  // namespace leash::test
