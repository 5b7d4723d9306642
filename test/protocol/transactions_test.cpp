// Blocks, savepoints, two-phase commit: whose time a transaction's end is, and
// that each transaction is counted once.
#include "fixture.h"

namespace leash::protocol {
namespace {

TEST_F(Protocol, AutocommitAgainstBlock) {
    Session session(kLogin);
    session.must(kSleep);
    think(kWork);
    session.must("SELECT 1");
    Account account = expect_account(session, 2, 2);
    EXPECT_LT(account.buckets.in_transaction, 1.0);
    EXPECT_FALSE(account.in_use);

    session.must("BEGIN");
    session.must(kSleep);
    think(kWork);
    account = expect_account(session, 4, 2);
    EXPECT_EQ(account.state, "idle in transaction");
    EXPECT_TRUE(account.in_use);
    EXPECT_NEAR(account.xact_for, 2 * kWork, kTolerance);
    EXPECT_NEAR(account.idle_for, kWork, kTolerance);
    session.must("COMMIT");
    think(kWork);
    account = expect_account(session, 5, 3);
    EXPECT_EQ(account.xact_for, -1);
    expect_slow(session, {kSleep, kSleep});
}

TEST_F(Protocol, OpenerIsTheFirstRealStatement) {
    Session session(kLogin);
    session.must("BEGIN");
    EXPECT_EQ(observer.account(session.pid()).opener, "BEGIN");
    session.must("SET LOCAL work_mem = '1MB'");
    EXPECT_EQ(observer.account(session.pid()).opener, "BEGIN");
    session.must("SELECT 'first' /* route='%2Fcart' */");
    session.must("SELECT 'second'");
    const Account account = observer.account(session.pid());
    EXPECT_EQ(account.opener, "SELECT 'first' /* route='%2Fcart' */");
    EXPECT_EQ(account.last_statement, "SELECT 'second'");
    EXPECT_EQ(account.tags, "{\"route\": \"/cart\"}");
    session.must("COMMIT");
    EXPECT_EQ(observer.account(session.pid()).opener, "");
    session.must("BEGIN");
    EXPECT_EQ(observer.account(session.pid()).opener, "BEGIN");
}

TEST_F(Protocol, SetLocal) {
    Session session(kLogin);
    session.must("BEGIN");
    session.must("SET LOCAL work_mem = '1MB'");
    think(kWork);
    session.must("COMMIT");
    const Account account = expect_account(session, 3, 1);
    EXPECT_GE(account.unused_for, kWork);
    expect_slow(session, {});
}

TEST_F(Protocol, FailedBlock) {
    Session session(kLogin);
    session.must("BEGIN");
    EXPECT_EQ(session.exec("SELECT work_then_fail()").sqlstate, "P0001");
    think(kWork);
    EXPECT_EQ(session.exec("SELECT 1").sqlstate, "25P02");
    Account account = expect_account(session, 2, 1);
    EXPECT_EQ(account.state, "idle in transaction (aborted)");
    EXPECT_EQ(account.opener, "SELECT work_then_fail()");
    EXPECT_LT(account.idle_for, kTolerance);
    session.must("ROLLBACK");
    expect_account(session, 3, 1);
    // A transaction that nobody asked for, such as that of an empty query or of a
    // notification, must not inherit the failed one's claim to be counted.
    session.must("");
    expect_account(session, 3, 1);
    expect_slow(session, {"SELECT work_then_fail()"});
}

TEST_F(Protocol, FailedBlockThatIsCommitted) {
    Session session(kLogin);
    session.must("BEGIN");
    EXPECT_EQ(session.exec("SELECT 1/0").sqlstate, "22012");
    think(kWork);
    session.must("COMMIT");
    session.must("SELECT 1");
    expect_account(session, 3, 2);
}

TEST_F(Protocol, ParseErrorInBlock) {
    Session session(kLogin);
    session.must("BEGIN");
    think(kWork);
    EXPECT_EQ(session.exec("SELEC 1").sqlstate, "42601");
    think(kWork);
    session.must("ROLLBACK");
    think(kWork);
    expect_account(session, 2, 1);
}

TEST_F(Protocol, Savepoints) {
    Session session(kLogin);
    session.must("BEGIN");
    session.must("SAVEPOINT a");
    EXPECT_EQ(session.exec("SELECT work_then_fail()").sqlstate, "P0001");
    think(kWork);
    session.must("ROLLBACK TO a");
    session.must("SAVEPOINT b");
    session.must("SELECT 1");
    session.must("RELEASE b");
    session.must("COMMIT");
    think(kWork);
    expect_account(session, 8, 1);
    expect_slow(session, {"SELECT work_then_fail()"});
}

// In a subtransaction an error ends no transaction: only the subtransaction tells.
TEST_F(Protocol, ErrorInPlanningUnderASavepoint) {
    Session session(kLogin);
    session.must("BEGIN");
    session.must("SAVEPOINT a");
    EXPECT_EQ(session.exec("SELECT folded_then_fail(1)").sqlstate, "P0001");
    think(2 * kWork);
    expect_buckets(session);
    session.must("ROLLBACK TO a");
    session.must("COMMIT");
    think(kWork);
    expect_account(session, 4, 1);
    const auto slow = expect_slow(session, {"SELECT folded_then_fail(1)"});
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].sqlstate, "P0001");
}

TEST_F(Protocol, ErrorInAnalysisUnderASavepoint) {
    Session holder;
    holder.must("BEGIN; LOCK TABLE plain");
    Session session(kLogin);
    session.must("SET lock_timeout = 300");
    session.must("BEGIN");
    session.must("SAVEPOINT a");
    EXPECT_EQ(session.exec("SELECT * FROM plain").sqlstate, "55P03");
    think(2 * kWork);
    session.must("ROLLBACK TO a");
    session.must("COMMIT");
    expect_account(session, 5, 2);
    expect_slow(session, {"SELECT * FROM plain"});
}

TEST_F(Protocol, HoldableCursor) {
    const std::string declare = "DECLARE c CURSOR WITH HOLD FOR SELECT work()";
    Session session(kLogin);
    session.must("BEGIN");
    session.must(declare);
    think(kWork);
    session.must("COMMIT");  // runs the cursor's query
    think(kWork);
    expect_account(session, 3, 1);
    EXPECT_EQ(session.must("FETCH c"), "1");
    session.must("CLOSE c");
    expect_account(session, 5, 3);
    EXPECT_EQ(observer.slow(session.pid()).size(), 1u);
    expect_slow(session, {declare});
}

TEST_F(Protocol, CursorInBlock) {
    Session session(kLogin);
    session.must("BEGIN");
    session.must("DECLARE c CURSOR FOR SELECT call_work(i) FROM generate_series(1, 9) AS i");
    for (int i = 0; i < 2; i++) {
        session.must("FETCH c");
        think(kWork);
    }
    expect_account(session, 4, 0);
    session.must("ROLLBACK");
    expect_account(session, 5, 1);
    expect_slow(session, {"FETCH c", "FETCH c"});
}

TEST_F(Protocol, AfterTrigger) {
    const std::string insert = "INSERT INTO with_after_trigger VALUES (1)";
    Session session(kLogin);
    session.must(insert);
    think(kWork);
    expect_account(session, 1, 1);
    EXPECT_TRUE(session.exec_params(insert).ok());
    think(kWork);
    expect_account(session, 2, 2);
    session.must("BEGIN");
    session.must(insert);
    think(kWork);
    session.must("COMMIT");
    expect_account(session, 5, 3);
    expect_slow(session, {insert, insert, insert});
}

TEST_F(Protocol, DeferredTrigger) {
    const std::string insert = "INSERT INTO with_deferred_trigger VALUES (1)";
    Session session(kLogin);
    session.must(insert);
    think(kWork);
    expect_account(session, 1, 1);
    EXPECT_TRUE(session.exec_params(insert).ok());
    think(kWork);
    expect_account(session, 2, 2);
    session.must("BEGIN");
    session.must(insert);
    think(kWork);
    session.must("COMMIT");
    think(kWork);
    expect_account(session, 5, 3);
    expect_slow(session, {insert, insert, "COMMIT"});
}

TEST_F(Protocol, DeferredTriggerThatFails) {
    const std::string insert = "INSERT INTO with_failing_trigger VALUES (1)";
    Session session(kLogin);
    EXPECT_EQ(session.exec(insert).sqlstate, "P0001");
    session.must("BEGIN");
    session.must(insert);
    think(kWork);
    EXPECT_EQ(session.exec("COMMIT").sqlstate, "P0001");
    think(kWork);
    expect_account(session, 4, 2);
    for (const Slow& slow : expect_slow(session, {insert, "COMMIT"})) {
        EXPECT_EQ(slow.sqlstate, "P0001") << slow.query;
    }
}

TEST_F(Protocol, ForeignKeyCascade) {
    observer.must(
        "CREATE TABLE parent (id int PRIMARY KEY);"
        "CREATE TABLE child (id int REFERENCES parent ON DELETE CASCADE);"
        "INSERT INTO parent SELECT generate_series(1, 3000);"
        "INSERT INTO child SELECT id FROM parent; CREATE INDEX ON child (id); ANALYZE child");
    Session session({"", "-c pg_leash.slow_statement_threshold=0"});
    session.must("DELETE FROM parent");
    think(kWork);
    expect_account(session, 1, 1);
    const auto slow = observer.slow(session.pid());
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].query, "DELETE FROM parent");
    EXPECT_EQ(slow[0].rows, 3000);
}

TEST_F(Protocol, PreparedTransactions) {
    Session session(kLogin);
    session.must("BEGIN");
    session.must("INSERT INTO plain VALUES (1)");
    think(kWork);
    session.must("PREPARE TRANSACTION 'p'");
    Account account = expect_account(session, 3, 1);
    EXPECT_EQ(account.state, "idle");
    EXPECT_EQ(account.opener, "");
    think(kWork);
    session.must("COMMIT PREPARED 'p'");
    think(kWork);
    expect_account(session, 4, 2);
    session.must("BEGIN");
    session.must("INSERT INTO with_deferred_trigger VALUES (1)");
    session.must("PREPARE TRANSACTION 'q'");  // runs the trigger
    think(kWork);
    session.must("ROLLBACK PREPARED 'q'");
    expect_account(session, 8, 4);
    expect_slow(session, {"PREPARE TRANSACTION 'q'"});
}

TEST_F(Protocol, CommitAndChain) {
    Session session(kLogin);
    session.must("BEGIN");
    session.must("SELECT 1");
    session.must("COMMIT AND CHAIN");
    think(kWork);
    Account account = expect_account(session, 3, 1);
    EXPECT_EQ(account.state, "idle in transaction");
    session.must("ROLLBACK");
    think(kWork);
    account = expect_account(session, 4, 2);
    EXPECT_EQ(account.state, "idle");
}

}  // namespace
}  // namespace leash::protocol
