// Prepared statements and pipelines over libpq.
#include "fixture.h"

namespace leash::protocol {
namespace {

// A pipeline over one session.  What is sent stays unanswered until await().
class Pipeline {
public:
    explicit Pipeline(Session& session) : session_(session) {
        require(PQenterPipelineMode(session.raw()));
    }
    ~Pipeline() { PQexitPipelineMode(session_.raw()); }
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    Pipeline& query(const std::string& sql) {
        session_.meter().sent();
        require(PQsendQueryParams(session_.raw(), sql.c_str(), 0, nullptr, nullptr, nullptr,
                                  nullptr, 0));
        return *this;
    }
    Pipeline& flush() {
        require(PQsendFlushRequest(session_.raw()));
        push();
        return *this;
    }
    Pipeline& sync() {
        session_.meter().sent();
        require(PQpipelineSync(session_.raw()));
        push();
        return *this;
    }

    // The answer to the next query in line.
    Outcome await() {
        const Result result(PQgetResult(session_.raw()));
        const Result end(PQgetResult(session_.raw()));
        EXPECT_EQ(end, nullptr);
        return outcome_of(result.get());
    }
    // The answer to a Sync, the last one that was sent.
    void await_sync() {
        const Result result(PQgetResult(session_.raw()));
        EXPECT_EQ(PQresultStatus(result.get()), PGRES_PIPELINE_SYNC);
        session_.note_ready();
    }

private:
    static void require(int done) {
        if (done != 1) {
            throw Broken("libpq refuses the pipeline");
        }
    }
    void push() {
        while (PQflush(session_.raw()) > 0) {
        }
    }

    Session& session_;
};

TEST_F(Protocol, ExtendedStatements) {
    Session session(kLogin);
    EXPECT_TRUE(session.exec_params(kSleep).ok());
    think(kWork);
    EXPECT_EQ(session.exec_params("SELECT $1::int + 1", {"4"}).value, "5");
    expect_account(session, 2, 2);
    expect_slow(session, {kSleep});
}

TEST_F(Protocol, PreparedStatementAcrossIdleGaps) {
    Session session(kLogin);
    EXPECT_TRUE(session.prepare("p", "SELECT work() + $1::int").ok());
    think(kWork);
    expect_account(session, 0, 1);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(session.exec_prepared("p", {"1"}).value, "2");
        think(kWork);
    }
    expect_account(session, 3, 4);
    expect_slow(session, std::vector<std::string>(3, "SELECT work() + $1::int"));
}

// The executor of one statement is shut down when the next is bound.
TEST_F(Protocol, PreparedStatementInBlockAcrossGaps) {
    Session session(kLogin);
    EXPECT_TRUE(session.prepare("p", "SELECT $1::int").ok());
    session.must("BEGIN");
    for (int i = 0; i < 3; i++) {
        EXPECT_TRUE(session.exec_prepared("p", {"1"}).ok());
        think(kWork);
    }
    expect_account(session, 4, 1);
    session.must("COMMIT");
    expect_account(session, 5, 2);
    expect_slow(session, {});
}

// Bind begins the transaction of such a statement, and Execute is what a hook sees.
TEST_F(Protocol, PreparedUtilityAcrossGaps) {
    Session session(kLogin);
    for (const char* const utility : {"SHOW work_mem", "BEGIN", "COMMIT"}) {
        EXPECT_TRUE(session.prepare(utility, utility).ok());
    }
    EXPECT_TRUE(session.exec_prepared("SHOW work_mem").ok());
    think(kWork);
    EXPECT_TRUE(session.exec_prepared("SHOW work_mem").ok());
    think(kWork);
    EXPECT_TRUE(session.exec_prepared("BEGIN").ok());
    think(kWork);
    EXPECT_TRUE(session.exec_prepared("COMMIT").ok());
    think(kWork);
    expect_account(session, 4, 6);
    expect_slow(session, {});
}

TEST_F(Protocol, PlanningInBind) {
    Session session(kLogin);
    EXPECT_EQ(session.exec_params("SELECT folded($1::int)", {"7"}).value, "7");
    think(kWork);
    expect_account(session, 1, 1);
    session.must("BEGIN");
    EXPECT_EQ(session.exec_params("SELECT folded($1::int)", {"7"}).value, "7");
    think(kWork);
    session.must("COMMIT");
    expect_account(session, 4, 2);
    expect_slow(session, {"SELECT folded($1::int)", "SELECT folded($1::int)"});
}

TEST_F(Protocol, ErrorInPlanningInBind) {
    Session session(kLogin);
    EXPECT_EQ(session.exec_params("SELECT folded_then_fail($1::int)", {"7"}).sqlstate, "P0001");
    think(kWork);
    session.must("SELECT 1");
    expect_account(session, 1, 2);
    expect_slow(session, {"SELECT folded_then_fail($1::int)"});
}

TEST_F(Protocol, ErrorInBind) {
    Session session(kLogin);
    EXPECT_TRUE(session.prepare("p", "SELECT $1::int").ok());
    think(kWork);
    EXPECT_EQ(session.exec_prepared("p", {"x"}).sqlstate, "22P02");
    think(kWork);
    expect_account(session, 0, 2);
    EXPECT_TRUE(session.exec_prepared("p", {"1"}).ok());
    expect_account(session, 1, 3);
    expect_slow(session, {});
}

TEST_F(Protocol, EmptyExtendedQuery) {
    Session session(kLogin);
    session.must("SELECT count(*) FROM plain");
    think(kWork);
    EXPECT_TRUE(session.exec_params("").ok());
    const Account account = expect_account(session, 1, 1);
    EXPECT_LT(account.idle_for, kTolerance);
    EXPECT_GE(account.unused_for, kWork);
}

TEST_F(Protocol, LockWaitInParse) {
    Session holder;
    holder.must("BEGIN; LOCK TABLE plain");
    Session session(kLogin);
    session.must("SET lock_timeout = 300");
    EXPECT_EQ(session.prepare("p", "SELECT * FROM plain").sqlstate, "55P03");
    think(kWork);
    expect_account(session, 1, 2);
    expect_slow(session, {"SELECT * FROM plain"});
}

// What was waited for while a statement was prepared does not make another slow.
TEST_F(Protocol, PreparationIsNobodyElsesTime) {
    Session holder;
    holder.must("BEGIN; LOCK TABLE plain");
    Session session(kLogin);
    session.must("BEGIN");
    session.meter().sent();
    ASSERT_EQ(PQsendPrepare(session.raw(), "p", "SELECT count(*) FROM plain", 0, nullptr), 1);
    observer.await_wait(session.pid(), "relation");
    think(kWork);
    holder.must("COMMIT");
    while (const Result result{PQgetResult(session.raw())}) {
    }
    session.note_ready();
    think(kWork);
    session.must("SELECT 'another'");
    session.must("COMMIT");
    expect_account(session, 3, 1);
    expect_slow(session, {});
}

TEST_F(Protocol, PipelineWithOneSync) {
    Session session(kLogin);
    {
        Pipeline pipeline(session);
        pipeline.query("SELECT 1").query(kSleep).query("SELECT 3").sync();
        EXPECT_EQ(pipeline.await().value, "1");
        EXPECT_TRUE(pipeline.await().ok());
        EXPECT_EQ(pipeline.await().value, "3");
        pipeline.await_sync();
    }
    think(kWork);
    expect_account(session, 3, 1);
    expect_slow(session, {kSleep});
}

TEST_F(Protocol, PipelineWithSeveralSyncs) {
    Session session(kLogin);
    {
        Pipeline pipeline(session);
        pipeline.query("SELECT 1").sync().query(kSleep).sync();
        EXPECT_TRUE(pipeline.await().ok());
        const Result first(PQgetResult(session.raw()));
        EXPECT_EQ(PQresultStatus(first.get()), PGRES_PIPELINE_SYNC);
        EXPECT_TRUE(pipeline.await().ok());
        pipeline.await_sync();
    }
    think(kWork);
    expect_account(session, 2, 2);
    expect_slow(session, {kSleep});
}

TEST_F(Protocol, PipelineThatFails) {
    Session session(kLogin);
    {
        Pipeline pipeline(session);
        pipeline.query("INSERT INTO plain VALUES (1)").query("SELECT work_then_fail()");
        pipeline.query("SELECT 3").sync();
        EXPECT_TRUE(pipeline.await().ok());
        EXPECT_EQ(pipeline.await().sqlstate, "P0001");
        EXPECT_EQ(pipeline.await().sqlstate, "skipped");
        pipeline.await_sync();
    }
    think(kWork);
    session.must("SELECT 1");
    expect_account(session, 3, 2);
    expect_slow(session, {"SELECT work_then_fail()"});
}

// PostgreSQL calls the session active until the Sync, and so does the client.
TEST_F(Protocol, PipelineWithFlushAndNoSync) {
    Session session(kLogin);
    {
        Pipeline pipeline(session);
        pipeline.query("SELECT 1").flush();
        EXPECT_TRUE(pipeline.await().ok());
        think(kWork);
        Account account = expect_buckets(session);
        EXPECT_EQ(account.state, "active");
        EXPECT_EQ(account.wait_event, "ClientRead");
        EXPECT_TRUE(account.in_use);
        EXPECT_EQ(observer.terminate(session.pid()), "refused: active");
        pipeline.query("SELECT 2").flush();
        EXPECT_TRUE(pipeline.await().ok());
        think(kWork);
        expect_buckets(session);
        pipeline.sync();
        pipeline.await_sync();
        expect_buckets(session);
    }
    think(kWork);
    expect_account(session, 2, 1);
    session.must("SELECT 3");
    expect_account(session, 3, 2);
    expect_slow(session, {});
}

TEST_F(Protocol, PipelineWithFlushAndNoSyncInBlock) {
    Session session(kLogin);
    session.must("BEGIN");
    think(kWork);
    {
        Pipeline pipeline(session);
        for (int i = 0; i < 2; i++) {
            pipeline.query("SELECT 1").flush();
            EXPECT_TRUE(pipeline.await().ok());
            think(kWork);
            EXPECT_EQ(expect_buckets(session).state, "active");
        }
        pipeline.sync();
        pipeline.await_sync();
    }
    think(kWork);
    // Only the next message shows how long the last one lasted.
    session.must("COMMIT");
    think(kWork);
    expect_account(session, 4, 1);
    expect_slow(session, {});
}

TEST_F(Protocol, WritingPipelineWithFlushAndNoSync) {
    Session session(kLogin);
    {
        Pipeline pipeline(session);
        pipeline.query("INSERT INTO plain VALUES (1)").flush();
        EXPECT_TRUE(pipeline.await().ok());
        think(kWork);
        pipeline.sync();
        pipeline.await_sync();
    }
    think(kWork);
    expect_account(session, 1, 1);
    expect_slow(session, {});
}

}  // namespace
}  // namespace leash::protocol
