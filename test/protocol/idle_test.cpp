// What happens to a session whose client says nothing, or does not listen.
#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "fixture.h"

namespace leash::protocol {
namespace {

// Whether the server's log has a line of that session (by %c) with that text.
bool logged(const std::string& session_id, const std::string& text) {
    const char* const path = std::getenv("LEASH_SERVER_LOG");
    if (path == nullptr) {
        throw Broken("LEASH_SERVER_LOG is not set");
    }
    std::ifstream log(path);
    if (!log) {
        throw Broken(std::string("cannot read ") + path);
    }
    const std::string mark = "[" + session_id + "]";
    std::string line;
    while (std::getline(log, line)) {
        if (line.find(mark) != std::string::npos && line.find(text) != std::string::npos) {
            return true;
        }
    }
    return false;
}

// The session sits idle through `disturb`, and nothing tells that it happened.
template <class Disturb>
void expect_undisturbed(Observer& observer, Session& session, Disturb disturb) {
    const Clock::time_point idle_since = Clock::now();
    const Account before = observer.account(session.pid());
    think(kWork);
    disturb();
    const Account after = observer.account(session.pid());
    EXPECT_GE(after.idle_for, Milliseconds(after.read_at - idle_since).count() - kTolerance);
    EXPECT_GE(after.idle_for, kWork);
    EXPECT_EQ(after.statements, before.statements);
    EXPECT_EQ(after.transactions, before.transactions);
    EXPECT_EQ(after.state, before.state);
    EXPECT_NEAR(after.buckets.active, before.buckets.active, 1.0);
}

TEST_F(Protocol, SinvalCatchupInAnIdleSession) {
    Session session({"", "-c log_min_messages=debug4", "protocol"});
    session.must("INSERT INTO plain VALUES (1)");
    const std::string id = observer.account(session.pid()).session_id;
    Session other;
    expect_undisturbed(observer, session, [&] {
        EXPECT_TRUE(eventually([&] {
            for (int i = 0; i < 20; i++) {
                other.must("CREATE TABLE passing (id int PRIMARY KEY, t text); DROP TABLE passing");
            }
            return logged(id, "ProcessCatchupEvent outside transaction");
        }));
    });
    expect_account(session, 1, 1);
}

TEST_F(Protocol, SinvalCatchupAfterAFailedBlock) {
    Session session({"", "-c log_min_messages=debug4", "protocol"});
    session.must("BEGIN");
    EXPECT_EQ(session.exec("SELECT 1/0").sqlstate, "22012");
    session.must("ROLLBACK");
    const std::string id = observer.account(session.pid()).session_id;
    Session other;
    expect_undisturbed(observer, session, [&] {
        EXPECT_TRUE(eventually([&] {
            for (int i = 0; i < 20; i++) {
                other.must("CREATE TABLE passing (id int PRIMARY KEY, t text); DROP TABLE passing");
            }
            return logged(id, "ProcessCatchupEvent outside transaction");
        }));
    });
}

TEST_F(Protocol, NotifyInAnIdleSession) {
    Session session(kLogin);
    session.must("LISTEN news");
    expect_undisturbed(observer, session, [&] {
        observer.must("NOTIFY news, 'something'");
        EXPECT_TRUE(eventually([&] {
            PQconsumeInput(session.raw());
            PGnotify* const notification = PQnotifies(session.raw());
            PQfreemem(notification);
            return notification != nullptr;
        }));
    });
    expect_account(session, 1, 1);
}

TEST_F(Protocol, ReloadInAnIdleSession) {
    Session session({"", "-c log_min_messages=debug2", "protocol"});
    session.must("INSERT INTO plain VALUES (1)");
    expect_undisturbed(observer, session, [&] { observer.must("SELECT pg_reload_conf()"); });
}

// The server is in the middle of sending rows.
TEST_F(Protocol, ResultThatTheClientDoesNotRead) {
    observer.must("SET pg_leash.stalled_client_threshold = '100ms'");
    Wire wire(kLogin);
    wire.query("SELECT repeat('x', 1000) FROM generate_series(1, 20000)").send();
    observer.await_wait(wire.pid(), "ClientWrite");
    think(kWork);
    observer.await_leak(wire.pid(), "stalled client");
    const Account account = expect_buckets(wire);
    EXPECT_EQ(account.state, "active");
    EXPECT_EQ(account.leak, "stalled client");
    EXPECT_EQ(observer.terminate(wire.pid()), "refused: active");
    EXPECT_EQ(wire.until('Z').count('D'), 20000);
    think(kWork);
    expect_account(wire, 1, 1);
    EXPECT_EQ(observer.slow(wire.pid()).size(), 1u);
    observer.must("RESET pg_leash.stalled_client_threshold");
}

// The server has done all there was to do, and cannot say so.
TEST_F(Protocol, EndOfAResultThatTheClientDoesNotRead) {
    observer.must("SET pg_leash.stalled_client_threshold = '100ms'");
    Wire wire(kLogin);
    // Each answer is smaller than the server's buffer, and sent when it is ready for
    // the next query: so that is where it stops when the kernel takes no more.
    const int answers = 400;
    for (int i = 0; i < answers; i++) {
        wire.query("SELECT repeat('x', 4000)");
    }
    wire.send();
    observer.await_wait(wire.pid(), "ClientWrite");
    think(kWork);
    observer.await_leak(wire.pid(), "stalled client");
    const Account account = observer.account(wire.pid());
    EXPECT_EQ(account.state, "idle");
    EXPECT_EQ(account.leak, "stalled client");
    EXPECT_GE(account.idle_for, kWork);
    EXPECT_FALSE(account.in_use);
    EXPECT_EQ(observer.terminate(wire.pid()), "refused: its client does not read");
    for (int i = 0; i < answers; i++) {
        EXPECT_EQ(wire.until('Z').count('D'), 1);
    }
    const Account after = observer.account(wire.pid());
    EXPECT_EQ(after.statements, answers);
    EXPECT_EQ(after.transactions, answers);
    EXPECT_EQ(after.leak, "");
    observer.must("RESET pg_leash.stalled_client_threshold");
}

TEST_F(Protocol, TrackActivitiesOff) {
    Session session(
        {"", "-c track_activities=off -c pg_leash.slow_statement_threshold=200ms", "protocol"});
    session.must(kSleep);
    think(kWork);
    session.must("BEGIN");
    session.must("SELECT 1");
    think(kWork);
    session.must("INSERT INTO with_deferred_trigger VALUES (1)");
    session.must("COMMIT");
    think(kWork);
    const Account account = expect_account(session, 5, 2);
    EXPECT_EQ(account.leak, "");
    EXPECT_EQ(account.last_statement, "");
    EXPECT_EQ(observer.terminate(session.pid()), "refused: state unknown");
    const auto slow = observer.slow(session.pid());
    ASSERT_EQ(slow.size(), 2u);
    EXPECT_EQ(slow[0].query, without_literals(kSleep));
    EXPECT_NEAR(slow[1].duration, kWork, kTolerance);
}

class Encodings : public Protocol {
protected:
    void SetUp() override {
        observer.must("DROP DATABASE IF EXISTS latin");
        observer.must("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    }
};

// Text of a LATIN1 database, read in a UTF8 one, where its bytes are not valid.
TEST_F(Encodings, Latin1BesideUtf8) {
    const std::string latin = "SELECT pg_sleep(0.3), 'caf\xe9'";
    const std::string utf8 = "SELECT pg_sleep(0.3), 'caf\xc3\xa9'";
    Session session({"latin",
                     "-c pg_leash.slow_statement_threshold=200ms -c client_encoding=LATIN1",
                     "protocol"});
    session.must("BEGIN");
    session.must(latin);
    think(kWork);
    const Account account = expect_account(session, 2, 0);
    EXPECT_EQ(account.opener, utf8);
    EXPECT_EQ(account.last_statement, utf8);
    expect_slow(session, {utf8});
}

TEST_F(Encodings, TextOfADroppedDatabase) {
    int pid = 0;
    {
        Session session({"latin", kLogin.options, "protocol"});
        session.must(kSleep);
        pid = session.pid();
    }
    EXPECT_TRUE(eventually([&] {
        return observer.must("SELECT count(*) FROM pg_stat_activity WHERE datname = 'latin'") ==
               "0";
    }));
    observer.must("DROP DATABASE latin");
    const auto slow = observer.slow(pid);
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].query, without_literals(kSleep));
}

}  // namespace
}  // namespace leash::protocol
