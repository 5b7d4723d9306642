// Function calls without a statement, as libpq makes them for large objects.
#include <libpq/libpq-fs.h>

#include "fixture.h"

namespace leash::protocol {
namespace {

class FastPath : public Protocol {
protected:
    Oid function(const std::string& signature) {
        return static_cast<Oid>(
            std::stoul(observer.must("SELECT '" + signature + "'::regprocedure::oid")));
    }
};

TEST_F(FastPath, OutsideABlock) {
    const Oid call_work = function("call_work(int)");
    Session session(kLogin);
    session.must("SELECT 'before'");
    EXPECT_EQ(session.call(call_work, {4}).value, "5");
    think(kWork);
    expect_account(session, 2, 2);
    session.must("SELECT 1");
    expect_account(session, 3, 3);
    const auto slow = observer.slow(session.pid());
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_NEAR(slow[0].duration, kWork, kTolerance);
    EXPECT_EQ(slow[0].query, "<fast-path call of function \"" + std::to_string(call_work) + "\">");
}

TEST_F(FastPath, InsideABlock) {
    const Oid call_work = function("call_work(int)");
    Session session(kLogin);
    session.must("BEGIN");
    EXPECT_EQ(session.call(call_work, {4}).value, "5");
    think(2 * kWork);
    // Only the next message shows how long the call lasted.
    EXPECT_EQ(observer.account(session.pid()).statements, 2);
    EXPECT_EQ(session.call(call_work, {4}).value, "5");
    EXPECT_EQ(session.call(call_work, {4}).value, "5");
    session.must("COMMIT");
    expect_account(session, 5, 1);
    think(kWork);
    expect_account(session, 5, 1);
    EXPECT_EQ(observer.slow(session.pid()).size(), 3u);
}

TEST_F(FastPath, ThatFails) {
    const Oid fails = function("folded_then_fail(int)");
    Session session(kLogin);
    EXPECT_EQ(session.call(fails, {4}).sqlstate, "P0001");
    think(kWork);
    expect_account(session, 1, 1);
    session.must("BEGIN");
    EXPECT_EQ(session.call(fails, {4}).sqlstate, "P0001");
    think(2 * kWork);
    expect_buckets(session);
    session.must("ROLLBACK");
    expect_account(session, 4, 2);
}

TEST_F(FastPath, OverTheWire) {
    const Oid call_work = function("call_work(int)");
    Wire wire(kLogin);
    const Answer answer = wire.function_call(call_work, {4}).finish();
    EXPECT_EQ(answer.count('V'), 1);
    EXPECT_EQ(answer.sqlstate(), "");
    think(kWork);
    expect_account(wire, 1, 1);
}

TEST_F(FastPath, LargeObjects) {
    Session session(kLogin);
    session.must("BEGIN");
    session.meter().sent();
    const Oid object = lo_creat(session.raw(), INV_READ | INV_WRITE);
    ASSERT_NE(object, InvalidOid);
    session.note_ready();
    think(kWork);
    session.meter().sent();
    const int fd = lo_open(session.raw(), object, INV_WRITE);
    ASSERT_GE(fd, 0);
    const std::string data(10000, 'x');
    EXPECT_EQ(lo_write(session.raw(), fd, data.data(), data.size()), 10000);
    EXPECT_EQ(lo_close(session.raw(), fd), 0);
    session.note_ready();
    think(kWork);
    const Account account = expect_buckets(session);
    EXPECT_EQ(account.state, "idle in transaction");
    EXPECT_GE(account.statements, 5);
    EXPECT_NEAR(account.unused_for, kWork, kTolerance);
    session.must("COMMIT");
    EXPECT_EQ(expect_buckets(session).transactions, 1);
    expect_slow(session, {});
    lo_unlink(session.raw(), object);
}

}  // namespace
}  // namespace leash::protocol
