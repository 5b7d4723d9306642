#include "observer.h"

#include <cstdlib>

namespace leash::protocol {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

std::string ms(const std::string& interval) {
    return "1000 * extract(epoch FROM " + interval + ")::float8";
}

std::string account_query() {
    std::string columns;
    for (const char* const interval : {"active_time", "idle_time", "idle_in_transaction_time",
                                       "longest_idle", "idle_for", "unused_for", "xact_for"}) {
        columns += ms(interval) + ", ";
    }
    return "SELECT session_id, state, wait_event, statements, transactions, slow_statements, " +
           columns + "opener, last_statement, tags, leak, in_use FROM leash.sessions" +
           " WHERE pid = $1";
}

// A row whose columns are read one after the other.
class Row {
public:
    Row(const PGresult* result, int row) : result_(result), row_(row) {}

    std::string text() {
        const int column = column_++;
        return PQgetisnull(result_, row_, column) != 0 ? "" : PQgetvalue(result_, row_, column);
    }
    double number(double if_null = -1) {
        const std::string value = text();
        return value.empty() ? if_null : std::strtod(value.c_str(), nullptr);
    }
    long count() { return static_cast<long>(number(0)); }

private:
    const PGresult* result_;
    int row_;
    int column_ = 0;
};

Result query(PGconn* connection, const std::string& sql, int pid) {
    const std::string value = std::to_string(pid);
    const char* const values[] = {value.c_str()};
    Result result(PQexecParams(connection, sql.c_str(), 1, nullptr, values, nullptr, nullptr, 0));
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
        throw Broken(PQresultErrorMessage(result.get()));
    }
    return result;
}

}  // namespace

Observer::Observer() : session_(Login{"", "", "observer"}) {}

Account Observer::account(int pid) {
    const Clock::time_point before = Clock::now();
    const Result result = query(session_.raw(), account_query(), pid);
    if (PQntuples(result.get()) != 1) {
        throw Broken("leash.sessions has no session " + std::to_string(pid));
    }
    Row row(result.get(), 0);
    Account account;
    account.read_at = before + (Clock::now() - before) / 2;
    account.session_id = row.text();
    account.state = row.text();
    account.wait_event = row.text();
    account.statements = row.count();
    account.transactions = row.count();
    account.slow_statements = row.count();
    account.buckets.active = row.number();
    account.buckets.idle = row.number();
    account.buckets.in_transaction = row.number();
    account.longest_idle = row.number();
    account.idle_for = row.number();
    account.unused_for = row.number();
    account.xact_for = row.number();
    account.opener = row.text();
    account.last_statement = row.text();
    account.tags = row.text();
    account.leak = row.text();
    account.in_use = row.text() == "t";
    return account;
}

std::vector<Slow> Observer::slow(int pid) {
    const Result result =
        query(session_.raw(),
              "SELECT " + ms("duration") +
                  ", query, sqlstate, rows"
                  "  FROM leash.slow_statements WHERE pid = $1 ORDER BY finished_at",
              pid);
    std::vector<Slow> all;
    for (int i = 0; i < PQntuples(result.get()); i++) {
        Row row(result.get(), i);
        Slow slow;
        slow.duration = row.number();
        slow.query = row.text();
        slow.sqlstate = row.text();
        slow.rows = row.count();
        all.push_back(slow);
    }
    return all;
}

std::string Observer::terminate(int pid) {
    const Result result = query(
        session_.raw(),
        "SELECT leash.terminate(session_id, 'a test') FROM leash.sessions WHERE pid = $1", pid);
    return outcome_of(result.get()).value;
}

void Observer::await_wait(int pid, const std::string& wait_event) {
    if (!eventually([&] { return account(pid).wait_event == wait_event; })) {
        throw Broken("the session waits for " + account(pid).wait_event + ", not for " +
                     wait_event);
    }
}

void Observer::await_state(int pid, const std::string& state) {
    if (!eventually([&] { return account(pid).state == state; })) {
        throw Broken("the session is " + account(pid).state + ", not " + state);
    }
}

void Observer::await_leak(int pid, const std::string& leak) {
    if (!eventually([&] { return account(pid).leak == leak; })) {
        throw Broken("the session is no " + leak + ", but: " + account(pid).leak);
    }
}

bool eventually(const std::function<bool()>& condition) {
    const Clock::time_point end = Clock::now() + kPatience;
    while (!condition()) {
        if (Clock::now() > end) {
            return false;
        }
        think(5);
    }
    return true;
}

}  // namespace leash::protocol
