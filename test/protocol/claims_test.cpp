// A session that is idle, whatever it did before, can be ended by leash.terminate;
// what its client says next is refused and has not run.
#include <functional>

#include "fixture.h"

namespace leash::protocol {
namespace {

class Claims : public Protocol {
protected:
    void SetUp() override {
        observer.must("DROP SEQUENCE IF EXISTS numbers");
        observer.must("CREATE SEQUENCE numbers");
    }

    bool number_was_taken() { return observer.must("SELECT is_called FROM numbers") == "t"; }

    void expect_end(Session& session) {
        EXPECT_EQ(observer.terminate(session.pid()), "ended");
        const Outcome outcome = session.exec("SELECT nextval('numbers')");
        EXPECT_EQ(outcome.sqlstate, "57P01") << outcome.message;
        EXPECT_NE(outcome.message.find("pg_leash"), std::string::npos) << outcome.message;
        EXPECT_FALSE(number_was_taken());
    }
    void expect_end(Wire& wire) {
        EXPECT_EQ(observer.terminate(wire.pid()), "ended");
        EXPECT_EQ(wire.query("SELECT nextval('numbers')").finish().sqlstate(), "57P01");
        EXPECT_FALSE(number_was_taken());
    }

    Session session{kLogin};
};

TEST_F(Claims, BeforeTheFirstStatement) {
    expect_end(session);
}

TEST_F(Claims, AfterAStatement) {
    session.must("SELECT 1");
    expect_end(session);
}

TEST_F(Claims, AfterAnError) {
    EXPECT_EQ(session.exec("SELECT work_then_fail()").sqlstate, "P0001");
    expect_end(session);
}

TEST_F(Claims, AfterAnErrorInPlanning) {
    EXPECT_EQ(session.exec("SELECT 1/0").sqlstate, "22012");
    expect_end(session);
}

TEST_F(Claims, AfterAParseError) {
    EXPECT_EQ(session.exec("SELEC 1").sqlstate, "42601");
    expect_end(session);
}

TEST_F(Claims, AfterAnEmptyQuery) {
    session.must("");
    expect_end(session);
}

TEST_F(Claims, IdleInTransaction) {
    session.must("BEGIN");
    session.must("INSERT INTO plain VALUES (-1)");
    expect_end(session);
    EXPECT_EQ(observer.must("SELECT count(*) FROM plain WHERE id = -1"), "0");
}

TEST_F(Claims, InAFailedBlock) {
    session.must("BEGIN");
    EXPECT_EQ(session.exec("SELECT 1/0").sqlstate, "22012");
    expect_end(session);
}

TEST_F(Claims, UnderASavepointAfterAnErrorInPlanning) {
    session.must("BEGIN");
    session.must("SAVEPOINT a");
    EXPECT_EQ(session.exec("SELECT 1/0").sqlstate, "22012");
    expect_end(session);
}

TEST_F(Claims, AfterCallWithCommit) {
    session.must("DO $$BEGIN COMMIT; PERFORM 1; ROLLBACK; END$$");
    expect_end(session);
}

TEST_F(Claims, WithAHoldableCursor) {
    session.must("BEGIN");
    session.must("DECLARE c CURSOR WITH HOLD FOR SELECT 1");
    session.must("COMMIT");
    expect_end(session);
}

TEST_F(Claims, AfterCopy) {
    session.begin_copy_in("COPY plain FROM STDIN");
    EXPECT_TRUE(session.end_copy_in().ok());
    expect_end(session);
}

TEST_F(Claims, AfterAPreparedStatement) {
    EXPECT_TRUE(session.prepare("p", "SELECT 1").ok());
    session.must("BEGIN");
    EXPECT_TRUE(session.exec_prepared("p").ok());
    expect_end(session);
}

TEST_F(Claims, AfterPreparation) {
    EXPECT_TRUE(session.prepare("p", "SELECT nextval('numbers')").ok());
    EXPECT_EQ(observer.terminate(session.pid()), "ended");
    EXPECT_EQ(session.exec_prepared("p").sqlstate, "57P01");
    EXPECT_FALSE(number_was_taken());
}

TEST_F(Claims, AfterAFastPathCall) {
    const Oid function =
        static_cast<Oid>(std::stoul(observer.must("SELECT 'call_work(int)'::regprocedure::oid")));
    EXPECT_TRUE(session.call(function, {1}).ok());
    expect_end(session);
}

TEST_F(Claims, BeforeAFastPathCall) {
    const Oid function = static_cast<Oid>(
        std::stoul(observer.must("SELECT 'pg_catalog.nextval(regclass)'::regprocedure::oid")));
    const int numbers = std::stoi(observer.must("SELECT 'numbers'::regclass::oid"));
    EXPECT_EQ(observer.terminate(session.pid()), "ended");
    EXPECT_EQ(session.call(function, {numbers}).sqlstate, "57P01");
    EXPECT_FALSE(number_was_taken());
}

TEST_F(Claims, AfterAParallelQuery) {
    // 16 gave it its other name.
    session.must(
        "SELECT set_config(name, 'on', false) FROM pg_settings "
        "WHERE name IN ('debug_parallel_query', 'force_parallel_mode')");
    session.must("SELECT count(*) FROM pg_class");
    expect_end(session);
}

TEST_F(Claims, AfterPrepareTransaction) {
    session.must("BEGIN");
    session.must("INSERT INTO plain VALUES (-2)");
    session.must("PREPARE TRANSACTION 'claims'");
    expect_end(session);
    observer.must("COMMIT PREPARED 'claims'");
    EXPECT_EQ(observer.must("SELECT count(*) FROM plain WHERE id = -2"), "1");
}

TEST_F(Claims, WithAPortalThatWasBoundAndNotExecuted) {
    Wire wire(kLogin);
    wire.query("BEGIN").finish();
    wire.parse("", "SELECT nextval('numbers')").bind("p", "").sync().finish();
    EXPECT_EQ(observer.terminate(wire.pid()), "ended");
    EXPECT_EQ(wire.execute("p").sync().finish().sqlstate(), "57P01");
    EXPECT_FALSE(number_was_taken());
}

TEST_F(Claims, WithASuspendedPortal) {
    Wire wire(kLogin);
    wire.query("BEGIN").finish();
    wire.parse("", "SELECT generate_series(1, 9)").bind("p", "").execute("p", 3).sync().finish();
    expect_end(wire);
}

TEST_F(Claims, AfterAPipelineThatFailed) {
    Wire wire(kLogin);
    wire.parse("", "SELECT 1/0").bind("", "").execute("");
    wire.parse("", "SELECT 1").bind("", "").execute("").sync();
    EXPECT_EQ(wire.finish().sqlstate(), "22012");
    expect_end(wire);
}

TEST_F(Claims, AfterACancelledStatement) {
    session.must("SET statement_timeout = 50");
    EXPECT_EQ(session.exec("SELECT pg_sleep(10)").sqlstate, "57014");
    expect_end(session);
}

// Not idle, so not ended; and it must be able to go on.
TEST_F(Claims, ButNotInAPipelineThatIsNotSynced) {
    Wire wire(kLogin);
    wire.parse("", "SELECT 1").bind("", "").execute("").flush().send();
    EXPECT_EQ(wire.until('C').count('D'), 1);
    EXPECT_EQ(observer.terminate(wire.pid()), "refused: active");
    EXPECT_EQ(wire.sync().finish().sqlstate(), "");
    EXPECT_EQ(wire.query("SELECT nextval('numbers')").finish().value(), "1");
}

TEST_F(Claims, ButNotWhileItListens) {
    session.must("LISTEN news");
    EXPECT_EQ(observer.terminate(session.pid()), "exempt: listens");
    session.must("UNLISTEN news");
    expect_end(session);
}

}  // namespace
}  // namespace leash::protocol
