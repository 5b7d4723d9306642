// The load of bench/accounting: sessions that work and think for some milliseconds
// at a time, each in its own way to talk to a server, and measure on their own clock
// how long the server had something to do for them.
//
// Prints a row per load and bucket; exit status 1 when the server's accounts are
// off by more than 1 % of the session's life and more than 20 ms.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "observer.h"
#include "session.h"
#include "wire.h"

namespace {

using leash::protocol::Account;
using leash::protocol::Broken;
using leash::protocol::Buckets;
using leash::protocol::Clock;
using leash::protocol::Login;
using leash::protocol::Observer;
using leash::protocol::Outcome;
using leash::protocol::Session;
using leash::protocol::think;
using leash::protocol::Wire;

constexpr double kShare = 0.01;    // of life,
constexpr double kAtLeast = 20.0;  // ms

const Login kLogin = {"", "", "accounting"};

const char* const kSetUp = R"(
CREATE EXTENSION IF NOT EXISTS pg_leash;
CREATE TABLE plain (id int);
CREATE FUNCTION work(ms int) RETURNS int LANGUAGE plpgsql VOLATILE AS
    $$BEGIN PERFORM pg_sleep(ms / 1000.0); RETURN ms; END$$;
CREATE FUNCTION work_and_catch(ms int) RETURNS int LANGUAGE plpgsql VOLATILE AS
    $$BEGIN
        FOR i IN 1..3 LOOP
            BEGIN PERFORM pg_sleep(ms / 3000.0); PERFORM 1 / (i - i);
            EXCEPTION WHEN division_by_zero THEN NULL; END;
        END LOOP;
        RETURN ms;
    END$$;
CREATE FUNCTION work_and_fail(ms int) RETURNS int LANGUAGE plpgsql VOLATILE AS
    $$BEGIN PERFORM pg_sleep(ms / 1000.0); RAISE 'as intended'; END$$;
CREATE FUNCTION folded() RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$BEGIN PERFORM pg_sleep(1); RETURN 1; END$$;
CREATE FUNCTION work_in_trigger() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_sleep(1); RETURN NULL; END$$;
CREATE TABLE with_after_trigger (id int);
CREATE TRIGGER t AFTER INSERT ON with_after_trigger
    FOR EACH ROW EXECUTE FUNCTION work_in_trigger();
CREATE TABLE with_deferred_trigger (id int);
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON with_deferred_trigger
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION work_in_trigger();
)";

// Some milliseconds, the same ones in each run.
class Dice {
public:
    int milliseconds() { return distribution_(engine_); }
    std::string work() { return "SELECT work(" + std::to_string(milliseconds()) + ")"; }
    void pause() { think(milliseconds()); }

private:
    std::mt19937 engine_{4711};
    std::uniform_int_distribution<int> distribution_{5, 25};
};

class Deadline {
public:
    explicit Deadline(double seconds)
        : end_(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                  std::chrono::duration<double>(seconds))) {}
    bool passed() const { return Clock::now() >= end_; }

private:
    Clock::time_point end_;
};

void must(const Outcome& outcome) {
    if (!outcome.ok()) {
        throw Broken(outcome.sqlstate + " " + outcome.message);
    }
}

// Autocommit and blocks in turns, with thought before each command.
void converse(const std::function<void(const std::string&)>& execute, Dice& dice, double seconds) {
    const Deadline deadline(seconds);
    while (!deadline.passed()) {
        execute(dice.work());
        dice.pause();
        execute("BEGIN");
        dice.pause();
        execute(dice.work());
        dice.pause();
        execute("COMMIT");
        dice.pause();
    }
}

void converse(Session& session, Dice& dice, double seconds) {
    converse([&](const std::string& sql) { session.must(sql); }, dice, seconds);
}

// ---- ways to talk ------------------------------------------------------------

void simple(Session& session, double seconds) {
    Dice dice;
    converse(session, dice, seconds);
}

void extended(Session& session, double seconds) {
    Dice dice;
    converse([&](const std::string& sql) { must(session.exec_params(sql)); }, dice, seconds);
}

void prepared(Session& session, double seconds) {
    Dice dice;
    must(session.prepare("work", "SELECT work($1::int)"));
    must(session.prepare("BEGIN", "BEGIN"));
    must(session.prepare("COMMIT", "COMMIT"));
    converse(
        [&](const std::string& sql) {
            if (sql == "BEGIN" || sql == "COMMIT") {
                must(session.exec_prepared(sql));
            } else {
                must(session.exec_prepared("work", {std::to_string(dice.milliseconds())}));
            }
        },
        dice, seconds);
}

// Errors that plpgsql catches, and errors that fail the block.
void exceptions(Session& session, double seconds) {
    Dice dice;
    const auto call = [&](const std::string& function) {
        return session.exec("SELECT " + function + "(" + std::to_string(dice.milliseconds()) + ")");
    };
    const Deadline deadline(seconds);
    while (!deadline.passed()) {
        must(call("work_and_catch"));
        dice.pause();
        call("work_and_fail");
        dice.pause();
        session.must("BEGIN");
        must(call("work_and_catch"));
        dice.pause();
        call("work_and_fail");
        dice.pause();
        session.must("ROLLBACK");
        dice.pause();
    }
}

void copy(Session& session, double seconds) {
    Dice dice;
    const Deadline deadline(seconds);
    bool block = false;
    while (!deadline.passed()) {
        block = !block;
        session.must(block ? "BEGIN" : "SELECT 1");
        dice.pause();
        session.begin_copy_in("COPY plain FROM STDIN");
        for (int part = 0; part < 3; part++) {
            session.put_copy_data("1\n2\n3\n");
            dice.pause();
        }
        must(session.end_copy_in());
        dice.pause();
        must(session.copy_out("COPY (" + dice.work() + ") TO STDOUT"));
        dice.pause();
        session.must(block ? "COMMIT" : "SELECT 1");
        dice.pause();
    }
}

// A portal is read in three goes.  The client thinks between them, sometimes with a
// Flush behind it and the server active, sometimes (in a block) with a Sync.
void row_limits(Wire& wire, double seconds) {
    Dice dice;
    const Deadline deadline(seconds);
    const auto open_portal = [&]() -> Wire& {
        return wire
            .parse("", "SELECT work(" + std::to_string(dice.milliseconds() / 2) +
                           ") FROM generate_series(1, 6)")
            .bind("p", "");
    };
    while (!deadline.passed()) {
        open_portal().execute("p", 2).flush().send();
        wire.until('s');
        dice.pause();
        wire.execute("p", 2).flush().send();
        wire.until('s');
        dice.pause();
        wire.execute("p").sync().finish();
        dice.pause();

        wire.query("BEGIN").finish();
        dice.pause();
        open_portal().sync().finish();
        for (int go = 0; go < 3; go++) {
            dice.pause();
            wire.execute("p", 2).sync().finish();
        }
        dice.pause();
        wire.close_portal("p");
        open_portal().execute("p", 2).flush().send();
        wire.until('s');
        dice.pause();
        wire.execute("p", 2).sync().finish();
        dice.pause();
        wire.query("COMMIT").finish();
        dice.pause();
    }
}

// ---- a second spent where it is hard to see ----------------------------------

// In the middle of a conversation.
void amid_conversation(Session& session, double seconds, const std::function<void()>& event) {
    Dice dice;
    converse(session, dice, seconds / 2 - 1);
    event();
    dice.pause();
    converse(session, dice, seconds / 2 - 1);
}

void after_trigger(Session& session, double seconds) {
    amid_conversation(session, seconds,
                      [&] { session.must("INSERT INTO with_after_trigger VALUES (1)"); });
}

void deferred_trigger(Session& session, double seconds) {
    amid_conversation(session, seconds,
                      [&] { session.must("INSERT INTO with_deferred_trigger VALUES (1)"); });
}

void deferred_trigger_in_block(Session& session, double seconds) {
    amid_conversation(session, seconds, [&] {
        session.must("BEGIN");
        session.must("INSERT INTO with_deferred_trigger VALUES (1)");
        think(100);
        session.must("COMMIT");
    });
}

void planning(Session& session, double seconds) {
    amid_conversation(session, seconds, [&] { session.must("SELECT folded()"); });
}

void planning_in_bind(Session& session, double seconds) {
    amid_conversation(session, seconds, [&] { must(session.exec_params("SELECT folded()")); });
}

// What goes on beside the session while it waits for `wait_event`.
class Beside {
public:
    Beside(Session& session, const std::string& wait_event, std::function<void()> release)
        : thread_([pid = session.pid(), wait_event, release = std::move(release)] {
              Observer().await_wait(pid, wait_event);
              think(1000);
              release();
          }) {}
    ~Beside() { thread_.join(); }
    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;

private:
    std::thread thread_;
};

void lock_wait(Session& session, double seconds, const std::string& before) {
    Session holder;
    amid_conversation(session, seconds, [&] {
        session.must(before);
        holder.must("BEGIN; LOCK TABLE plain");
        {
            const Beside release(session, "relation", [&] { holder.must("COMMIT"); });
            session.must("SELECT count(*) FROM plain");
        }
        session.must("COMMIT");
    });
}

void lock_wait_in_analysis(Session& session, double seconds) {
    lock_wait(session, seconds, "SELECT 1");
}

void lock_wait_in_analysis_in_block(Session& session, double seconds) {
    lock_wait(session, seconds, "BEGIN");
}

// A standby that does not exist is waited for, until nobody wants it any more.
void slow_commit(Session& session, double seconds) {
    Session admin;
    const auto set_standby = [&admin](const char* name) {
        admin.must(std::string("ALTER SYSTEM SET synchronous_standby_names = '") + name + "'");
        admin.must("SELECT pg_reload_conf()");
    };
    amid_conversation(session, seconds, [&] {
        set_standby("absent");
        if (!leash::protocol::eventually(
                [&] { return session.must("SHOW synchronous_standby_names") == "absent"; })) {
            throw Broken("the setting did not arrive");
        }
        // The checkpointer has to learn of it too, before a commit waits.
        think(500);
        session.must("BEGIN");
        session.must("INSERT INTO plain VALUES (1)");
        think(100);
        {
            const Beside release(session, "SyncRep", [&] { set_standby(""); });
            session.must("COMMIT");
        }
        if (!leash::protocol::eventually(
                [&] { return session.must("SHOW synchronous_standby_names").empty(); })) {
            throw Broken("the setting did not go");
        }
    });
}

// ---- the way -----------------------------------------------------------------

// What no server can know: how long a command and its answer are on their way, which
// the client counts as active.  It depends on what else the machine does, so it is
// measured at the same time, with queries that do nothing.
class Way {
public:
    Way() : thread_([this] { measure(); }) {}
    ~Way() {
        stop_ = true;
        thread_.join();
    }
    Way(const Way&) = delete;
    Way& operator=(const Way&) = delete;

    // Mean, in ms, since this was asked last.
    double milliseconds() {
        const std::lock_guard lock(mutex_);
        const double mean = count_ > 0 ? sum_ / count_ : 0;
        sum_ = 0;
        count_ = 0;
        return mean;
    }

private:
    void measure() {
        Session session(kLogin);
        Dice dice;
        while (!stop_) {
            dice.pause();
            const Clock::time_point start = Clock::now();
            session.must("");
            const double took = leash::protocol::Milliseconds(Clock::now() - start).count();
            const std::lock_guard lock(mutex_);
            sum_ += took;
            count_++;
        }
    }

    std::mutex mutex_;
    double sum_ = 0;
    int count_ = 0;
    std::atomic<bool> stop_ = false;
    std::thread thread_;  // last: it uses the others
};

// ---- the table ---------------------------------------------------------------

class Table {
public:
    Table() {
        std::printf("%-36s %-19s %9s %9s %10s %8s %8s\n", "load", "bucket", "client", "server",
                    "difference", "limit", "the way");
    }

    // Both sides at one moment, while the session is idle.
    template <class Client>
    void add(const char* load, Client& client) {
        const double way = way_.milliseconds();
        const Account account = observer_.account(client.pid());
        const leash::protocol::Meter& meter = client.meter();
        const Buckets mine = meter.at(account.read_at);
        const double idle = meter.answers(false) * way;
        const double in_transaction = meter.answers(true) * way;
        limit_ = std::max(kAtLeast, kShare * mine.life());
        row(load, "active", mine.active, account.buckets.active, -idle - in_transaction);
        row("", "idle", mine.idle, account.buckets.idle, idle);
        row("", "idle in transaction", mine.in_transaction, account.buckets.in_transaction,
            in_transaction);
        std::fflush(stdout);
    }

    // Returns whether all rows are within their limits.
    bool conclude() const {
        if (delayed_ > 0) {
            std::printf(
                "\n%d rows are within their limit less the way of the commands and their\n"
                "answers, which took long: the machine was busy.\n",
                delayed_);
        }
        if (outside_ > 0) {
            std::printf("\n%d rows are outside their limit.\n", outside_);
        }
        return outside_ == 0;
    }

private:
    void row(const char* load, const char* bucket, double client, double server, double way) {
        const double difference = server - client;
        const char* verdict = "ok";
        if (std::fabs(difference) > limit_) {
            const bool delayed = std::fabs(difference - way) <= limit_;
            verdict = delayed ? "ok less the way" : "OUTSIDE";
            (delayed ? delayed_ : outside_)++;
        }
        std::printf("%-36s %-19s %9.1f %9.1f %+10.1f %8.1f %+8.1f  %s\n", load, bucket, client,
                    server, difference, limit_, way, verdict);
    }

    Observer observer_;
    Way way_;
    double limit_ = 0;
    int delayed_ = 0;
    int outside_ = 0;
};

struct Load {
    const char* name;
    void (*run)(Session&, double);
};

constexpr Load kLoads[] = {
    {"simple", simple},
    {"extended", extended},
    {"prepared", prepared},
    {"plpgsql with exceptions", exceptions},
    {"COPY", copy},
    {"1 s in an AFTER trigger", after_trigger},
    {"1 s in a deferred trigger", deferred_trigger},
    {"1 s in a deferred trigger, COMMIT", deferred_trigger_in_block},
    {"1 s in planning", planning},
    {"1 s in planning, Bind", planning_in_bind},
    {"1 s of lock wait in analysis", lock_wait_in_analysis},
    {"1 s of lock wait in analysis, block", lock_wait_in_analysis_in_block},
    {"1 s in a synchronous commit", slow_commit},
};

int measure(double seconds) {
    Session().must(kSetUp);
    Table table;
    for (const Load& load : kLoads) {
        Session session(kLogin);
        load.run(session, seconds);
        table.add(load.name, session);
    }
    Wire wire(kLogin);
    row_limits(wire, seconds);
    table.add("pipeline with row limits", wire);
    return table.conclude() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = argc == 2 ? std::strtod(argv[1], nullptr) : 0;
    if (seconds < 3) {
        std::fprintf(stderr, "usage: accounting_load SECONDS (at least 3)\n");
        return 2;
    }
    try {
        return measure(seconds);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "accounting_load: %s\n", error.what());
        return 1;
    }
}
