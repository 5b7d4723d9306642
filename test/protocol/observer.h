// Reads what the extension says of other sessions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "session.h"

namespace leash::protocol {

// A row of leash.sessions.  Durations in milliseconds, -1 for NULL.
struct Account {
    Clock::time_point read_at;  // middle of the time it took to read it
    std::string session_id;
    std::string state;
    std::string wait_event;
    long statements = 0;
    long transactions = 0;
    long slow_statements = 0;
    Buckets buckets;
    double longest_idle = 0;
    double idle_for = -1;
    double unused_for = -1;
    double xact_for = -1;
    std::string opener;
    std::string last_statement;
    std::string tags;
    std::string leak;
    bool in_use = false;
};

// A row of leash.slow_statements.
struct Slow {
    double duration = 0;  // ms
    std::string query;
    std::string sqlstate;
    long rows = 0;
};

class Observer {
public:
    Observer();

    // The session with that process id; throws Broken when there is none.
    Account account(int pid);
    // Its slow statements, in the order in which they ended.
    std::vector<Slow> slow(int pid);

    // The function's outcome.
    std::string terminate(int pid);

    // Polls until the session waits for that (wait_event; empty: for nothing).
    void await_wait(int pid, const std::string& wait_event);
    void await_state(int pid, const std::string& state);
    void await_leak(int pid, const std::string& leak);

    std::string must(const std::string& sql) { return session_.must(sql); }

private:
    Session session_;
};

// Polls until `condition` is true; false when it did not become so for long.
bool eventually(const std::function<bool()>& condition);

}  // namespace leash::protocol
