// What one message of the simple protocol comes to.
#include "fixture.h"

namespace leash::protocol {
namespace {

TEST_F(Protocol, SimpleStatements) {
    Session session(kLogin);
    session.must(kSleep);
    think(kWork);
    session.must("SELECT 1");
    expect_account(session, 2, 2);
    expect_slow(session, {kSleep});
}

TEST_F(Protocol, NestedStatements) {
    observer.must(
        "CREATE FUNCTION nested() RETURNS int LANGUAGE plpgsql AS $$BEGIN"
        " FOR i IN 1..20 LOOP PERFORM count(*) FROM pg_class; END LOOP;"
        " EXECUTE 'SELECT pg_sleep(0.15)'; PERFORM pg_sleep(0.15); RETURN 1; END$$");
    Session session(kLogin);
    session.must("SELECT nested()");
    think(kWork);
    expect_account(session, 1, 1);
    expect_slow(session, {"SELECT nested()"});
}

TEST_F(Protocol, PlpgsqlException) {
    const std::string block =
        "DO $$BEGIN FOR i IN 1..3 LOOP"
        " BEGIN PERFORM pg_sleep(0.1); PERFORM 1 / (i - i);"
        " EXCEPTION WHEN division_by_zero THEN NULL; END;"
        " END LOOP; END$$";
    Session session(kLogin);
    session.must(block);
    think(kWork);
    session.must("SELECT 1");
    expect_account(session, 2, 2);
    const auto slow = expect_slow(session, {block});
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].sqlstate, "");
}

TEST_F(Protocol, ErrorInRun) {
    Session session(kLogin);
    EXPECT_EQ(session.exec("SELECT work_then_fail()").sqlstate, "P0001");
    think(kWork);
    expect_account(session, 1, 1);
    session.must("SELECT 1");
    expect_account(session, 2, 2);
    const auto slow = expect_slow(session, {"SELECT work_then_fail()"});
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].sqlstate, "P0001");
}

TEST_F(Protocol, ErrorInUtility) {
    const std::string block = "DO $$BEGIN PERFORM pg_sleep(0.3); RAISE 'as intended'; END$$";
    Session session(kLogin);
    EXPECT_EQ(session.exec(block).sqlstate, "P0001");
    think(kWork);
    expect_account(session, 1, 1);
    const auto slow = expect_slow(session, {block});
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].sqlstate, "P0001");
}

// What fails before it is executed takes time and is no statement.
TEST_F(Protocol, ErrorInPlanning) {
    Session session(kLogin);
    EXPECT_EQ(session.exec("SELECT folded_then_fail(1)").sqlstate, "P0001");
    think(kWork);
    expect_account(session, 0, 1);
    session.must("SELECT 1");
    expect_account(session, 1, 2);
    const auto slow = expect_slow(session, {"SELECT folded_then_fail(1)"});
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].sqlstate, "P0001");
}

TEST_F(Protocol, ParseError) {
    Session session(kLogin);
    EXPECT_EQ(session.exec("SELEC 1").sqlstate, "42601");
    think(kWork);
    EXPECT_EQ(session.exec("SELECT nothing").sqlstate, "42703");
    expect_account(session, 0, 2);
    expect_slow(session, {});
}

// Analysis takes the lock on the table: no hook has been called yet.
TEST_F(Protocol, ErrorAfterALockWaitInAnalysis) {
    Session holder;
    holder.must("BEGIN; LOCK TABLE plain");
    Session session(kLogin);
    session.must("SET lock_timeout = 300");
    EXPECT_EQ(session.exec("SELECT * FROM plain").sqlstate, "55P03");
    think(kWork);
    expect_account(session, 1, 2);
    const auto slow = expect_slow(session, {"SELECT * FROM plain"});
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].sqlstate, "55P03");
}

TEST_F(Protocol, LockWaitInAnalysis) {
    Session holder;
    holder.must("BEGIN; LOCK TABLE plain");
    Session session(kLogin);
    Meter& meter = session.meter();
    meter.sent();
    ASSERT_EQ(PQsendQuery(session.raw(), "SELECT count(*) FROM plain"), 1);
    observer.await_wait(session.pid(), "relation");
    think(kWork);
    holder.must("COMMIT");
    while (const Result result{PQgetResult(session.raw())}) {
        EXPECT_TRUE(outcome_of(result.get()).ok());
    }
    session.note_ready();
    think(kWork);
    expect_account(session, 1, 1);
    expect_slow(session, {"SELECT count(*) FROM plain"});
}

TEST_F(Protocol, PlannerFoldedFunction) {
    Session session(kLogin);
    EXPECT_EQ(session.must("SELECT folded(7)"), "7");
    think(kWork);
    expect_account(session, 1, 1);
    expect_slow(session, {"SELECT folded(7)"});
}

TEST_F(Protocol, CallWithCommit) {
    observer.must(
        "CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$BEGIN"
        " PERFORM pg_sleep(0.1); COMMIT; INSERT INTO plain VALUES (1); ROLLBACK;"
        " PERFORM pg_sleep(0.2); END$$");
    Session session(kLogin);
    session.must("CALL commits()");
    think(kWork);
    expect_account(session, 1, 3);
    session.must("SELECT 1");
    expect_account(session, 2, 4);
    expect_slow(session, {"CALL commits()"});
}

TEST_F(Protocol, SimpleMultiStatementQuery) {
    Session session(kLogin);
    session.must("SELECT pg_sleep(0.3), 'a'; SELECT 1;\n SELECT pg_sleep(0.3), 'b' ; ");
    think(kWork);
    expect_account(session, 3, 1);
    expect_slow(session, {"SELECT pg_sleep(0.3), 'a'", "SELECT pg_sleep(0.3), 'b'"});
}

TEST_F(Protocol, SimpleMultiStatementQueryThatFails) {
    Session session(kLogin);
    EXPECT_EQ(session.exec("SELECT 1; SELECT work_then_fail(); SELECT 2").sqlstate, "P0001");
    think(kWork);
    expect_account(session, 2, 1);
    expect_slow(session, {"SELECT work_then_fail()"});
}

TEST_F(Protocol, BlockWithinOneMessage) {
    Session session(kLogin);
    session.must("BEGIN; SELECT pg_sleep(0.3); COMMIT; SELECT 1");
    think(kWork);
    expect_account(session, 4, 2);
    expect_slow(session, {kSleep});
}

// An empty query shows life, and is no use of the session.
TEST_F(Protocol, EmptyQuery) {
    Session session(kLogin);
    session.must("SELECT count(*) FROM plain");
    think(kWork);
    session.must("");
    session.must(" ; -- nothing");
    const Account account = expect_account(session, 1, 1);
    EXPECT_LT(account.idle_for, kTolerance);
    EXPECT_GE(account.unused_for, kWork);
}

TEST_F(Protocol, Pings) {
    Session session(kLogin);
    session.must("SELECT count(*) FROM plain");
    think(kWork);
    session.must("SELECT 1");
    session.must("SELECT version()");
    session.must("SHOW work_mem");
    session.must("SET work_mem = '1MB'");
    session.must("BEGIN");
    session.must("COMMIT");
    const Account account = expect_account(session, 7, 6);
    EXPECT_LT(account.idle_for, kTolerance);
    EXPECT_GE(account.unused_for, kWork);
    session.must("SELECT random()");
    EXPECT_LT(observer.account(session.pid()).unused_for, kTolerance);
}

// What the planner calls and replaces by its result is used all the same, also when
// the plan is kept.
TEST_F(Protocol, FoldedFunctionIsNoPing) {
    Session session(kLogin);
    for (const char* sql : {"SELECT folded(1)", "SELECT * FROM folded(2) AS f",
                            "SELECT x FROM (SELECT folded(3) + 1 AS x) AS s"}) {
        session.must("SELECT 1");
        think(kWork);
        session.must(sql);
        EXPECT_LT(observer.account(session.pid()).unused_for, kTolerance) << sql;
        session.prepare("kept", sql);
        session.exec_prepared("kept");
        think(kWork);
        session.exec_prepared("kept");
        EXPECT_LT(observer.account(session.pid()).unused_for, kTolerance) << sql << ", prepared";
        session.must("DEALLOCATE kept");
    }
}

TEST_F(Protocol, DiscardAll) {
    Session session(kLogin);
    session.must("PREPARE p AS SELECT count(*) FROM plain");
    session.must("EXECUTE p");
    think(kWork);
    session.must("DISCARD ALL");
    const Account account = expect_account(session, 3, 3);
    EXPECT_GE(account.unused_for, kWork);
    EXPECT_EQ(session.exec("EXECUTE p").sqlstate, "26000");
    session.must("SELECT 1");
    expect_buckets(session);
}

TEST_F(Protocol, ExplainAnalyze) {
    Session session(kLogin);
    session.must("EXPLAIN ANALYZE SELECT pg_sleep(0.3)");
    think(kWork);
    expect_account(session, 1, 1);
    expect_slow(session, {"EXPLAIN ANALYZE SELECT pg_sleep(0.3)"});
}

TEST_F(Protocol, SqlPrepareAndExecute) {
    Session session(kLogin);
    session.must("PREPARE p AS SELECT work()");
    session.must("EXECUTE p");
    think(kWork);
    session.must("DEALLOCATE p");
    expect_account(session, 3, 3);
    const auto slow = observer.slow(session.pid());
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].query, "EXECUTE p");
}

// The function's own executor ends after that of the statement.
TEST_F(Protocol, SetReturningFunctionWithLimit) {
    observer.must(
        "CREATE FUNCTION many() RETURNS SETOF int LANGUAGE sql VOLATILE AS"
        " 'SELECT call_work(i) FROM generate_series(1, 100) AS i'");
    Session session(kLogin);
    EXPECT_EQ(session.must("SELECT many() LIMIT 1"), "2");
    think(kWork);
    expect_account(session, 1, 1);
    session.must("SELECT 1");
    expect_account(session, 2, 2);
    const auto slow = expect_slow(session, {"SELECT many() LIMIT 1"});
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].rows, 1);
}

TEST_F(Protocol, ParallelQuery) {
    observer.must(
        "CREATE TABLE large AS SELECT i FROM generate_series(1, 20000) AS i; ANALYZE large;"
        "CREATE FUNCTION safe_work(int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS"
        " $$BEGIN IF $1 % 5000 = 0 THEN PERFORM pg_sleep(0.1); END IF; RETURN $1; END$$");
    const std::string opened = "SELECT opened_total FROM leash.connections";
    const std::string sessions = "SELECT count(*) FROM leash.sessions";
    Session session(kLogin);
    session.must("SET parallel_setup_cost = 0");
    session.must("SET parallel_tuple_cost = 0");
    session.must("SET min_parallel_table_scan_size = 0");
    session.must("SET max_parallel_workers_per_gather = 2");
    const std::string opened_before = observer.must(opened);
    const std::string sessions_before = observer.must(sessions);
    const std::string query = "SELECT count(safe_work(i)) FROM large";
    const std::string plan = session.must("EXPLAIN (ANALYZE, FORMAT JSON) " + query);
    ASSERT_NE(plan.find("\"Workers Launched\""), std::string::npos) << plan;
    ASSERT_EQ(plan.find("\"Workers Launched\": 0"), std::string::npos) << plan;

    session.meter().sent();
    ASSERT_EQ(PQsendQuery(session.raw(), query.c_str()), 1);
    EXPECT_TRUE(eventually([&] {
        return observer.must("SELECT count(*) FROM pg_stat_activity WHERE leader_pid = " +
                             std::to_string(session.pid())) != "0";
    }));
    EXPECT_EQ(observer.must(sessions), sessions_before);
    while (const Result result{PQgetResult(session.raw())}) {
        EXPECT_EQ(outcome_of(result.get()).value, "20000");
    }
    session.note_ready();
    think(kWork);
    expect_account(session, 6, 6);
    EXPECT_EQ(observer.must(opened), opened_before);
    EXPECT_LE(observer.slow(session.pid()).size(), 2u);
}

}  // namespace
}  // namespace leash::protocol
