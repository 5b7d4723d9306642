// Portals with a row limit, and portals that wait: what libpq cannot say.
#include "fixture.h"

namespace leash::protocol {
namespace {

const char* const kSeries = "SELECT i FROM generate_series(1, 25) AS i";

TEST_F(Protocol, PortalWithRowLimit) {
    Wire wire(kLogin);
    wire.query("BEGIN").finish();
    wire.parse("", kSeries).bind("p", "").sync().finish();
    for (const int expected : {10, 10, 5}) {
        think(kWork);
        const Answer answer = wire.execute("p", 10).sync().finish();
        EXPECT_EQ(answer.count('D'), expected);
        EXPECT_EQ(answer.count('s'), expected == 10 ? 1 : 0);
        expect_buckets(wire);
    }
    think(kWork);
    wire.query("COMMIT").finish();
    expect_account(wire, 3, 1);
    expect_slow(wire, {});
}

TEST_F(Protocol, PortalWithRowLimitThatWorks) {
    const std::string query = "SELECT call_work(i) FROM generate_series(1, 3) AS i";
    Wire wire(kLogin);
    wire.query("BEGIN").finish();
    wire.parse("", query).bind("p", "").execute("p", 1).sync().finish();
    think(kWork);
    wire.execute("p", 1).sync().finish();
    think(kWork);
    expect_account(wire, 2, 0);
    expect_slow(wire, {query, query});
}

TEST_F(Protocol, PortalWithRowLimitAndNoSync) {
    Wire wire(kLogin);
    wire.parse("", kSeries).bind("", "").execute("", 10).flush().send();
    EXPECT_EQ(wire.until('s').count('D'), 10);
    think(kWork);
    expect_buckets(wire);
    wire.execute("", 10).flush().send();
    EXPECT_EQ(wire.until('s').count('D'), 10);
    think(kWork);
    wire.sync().finish();
    think(kWork);
    expect_account(wire, 1, 1);
    wire.query("SELECT 1").finish();
    expect_account(wire, 2, 2);
    expect_slow(wire, {});
}

// Bind starts the executor.  Whether it is run, and when, is the client's affair.
TEST_F(Protocol, BindWithoutExecute) {
    Wire wire(kLogin);
    wire.query("BEGIN").finish();
    wire.parse("", kSeries).bind("p", "").sync().finish();
    think(2 * kWork);
    const Account account = expect_buckets(wire);
    EXPECT_EQ(account.state, "idle in transaction");
    EXPECT_EQ(wire.execute("p").sync().finish().count('D'), 25);
    expect_account(wire, 2, 0);
    think(kWork);
    wire.query("COMMIT").finish();
    expect_account(wire, 3, 1);
    expect_slow(wire, {});
}

TEST_F(Protocol, BindThatIsNeverExecuted) {
    Wire wire(kLogin);
    wire.query("BEGIN").finish();
    wire.parse("", kSeries).bind("p", "").sync().finish();
    think(2 * kWork);
    wire.query("SELECT 'another'").finish();
    think(kWork);
    expect_buckets(wire);
    wire.close_portal("p").sync().finish();
    wire.query("COMMIT").finish();
    think(kWork);
    expect_buckets(wire);
    expect_slow(wire, {});
}

TEST_F(Protocol, BindThatIsNeverExecutedOutsideABlock) {
    Wire wire(kLogin);
    wire.parse("", kSeries).bind("", "").sync().finish();
    think(2 * kWork);
    wire.query("SELECT 'another'").finish();
    expect_buckets(wire);
    expect_slow(wire, {});
}

// A plan made for Bind's parameters takes its time in Bind.
TEST_F(Protocol, BindThatPlansAndWaits) {
    const std::string query = "SELECT folded($1::int)";
    Wire wire(kLogin);
    wire.query("BEGIN").finish();
    wire.parse("", query).bind("p", "", {"7"}).sync().finish();
    think(2 * kWork);
    expect_buckets(wire);
    EXPECT_EQ(wire.execute("p").sync().finish().value(), "7");
    think(kWork);
    expect_buckets(wire);
    wire.query("COMMIT").finish();
    expect_account(wire, 3, 1);
    expect_slow(wire, {query});
}

TEST_F(Protocol, TwoPortalsAtOnce) {
    Wire wire(kLogin);
    wire.query("BEGIN").finish();
    wire.parse("s", kSeries).bind("a", "s").bind("b", "s").sync().finish();
    think(kWork);
    for (const char* const portal : {"a", "b", "a", "b"}) {
        EXPECT_EQ(wire.execute(portal, 5).sync().finish().count('D'), 5);
        think(100);
    }
    expect_buckets(wire);
    wire.query("COMMIT").finish();
    const Account account = expect_buckets(wire);
    EXPECT_EQ(account.statements, 4);
    expect_slow(wire, {});
}

// An error: the server skips what follows until the Sync.
TEST_F(Protocol, PortalThatFails) {
    Wire wire(kLogin);
    wire.parse("", "SELECT work_then_fail()").bind("", "").execute("").flush().send();
    EXPECT_EQ(wire.until('C').sqlstate(), "P0001");
    wire.parse("", "SELECT 1").bind("", "").execute("").sync();
    EXPECT_EQ(wire.finish().count('D'), 0);
    think(kWork);
    expect_account(wire, 1, 1);
    wire.query("SELECT 1").finish();
    expect_account(wire, 2, 2);
    expect_slow(wire, {"SELECT work_then_fail()"});
}

}  // namespace
}  // namespace leash::protocol
