// COPY, where data and not commands go over the wire.
#include "fixture.h"

namespace leash::protocol {
namespace {

TEST_F(Protocol, CopyFromStdin) {
    const std::string copy = "COPY plain FROM STDIN";
    Session session(kLogin);
    session.begin_copy_in(copy);
    session.put_copy_data("1\n2\n");
    think(kWork);
    const Account account = expect_buckets(session);
    EXPECT_EQ(account.state, "active");
    EXPECT_EQ(account.wait_event, "ClientRead");
    EXPECT_EQ(observer.terminate(session.pid()), "refused: active");
    session.put_copy_data("3\n");
    EXPECT_TRUE(session.end_copy_in().ok());
    think(kWork);
    expect_account(session, 1, 1);
    const auto slow = expect_slow(session, {copy});
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].rows, 3);
}

TEST_F(Protocol, CopyFromStdinInBlock) {
    const std::string copy = "COPY plain FROM STDIN";
    Session session(kLogin);
    session.must("BEGIN");
    session.begin_copy_in(copy);
    think(kWork);
    session.put_copy_data("1\n");
    EXPECT_TRUE(session.end_copy_in().ok());
    think(kWork);
    EXPECT_EQ(observer.account(session.pid()).opener, copy);
    session.must("COMMIT");
    expect_account(session, 3, 1);
    expect_slow(session, {copy});
}

TEST_F(Protocol, CopyFromStdinThatFails) {
    const std::string copy = "COPY plain FROM STDIN";
    Session session(kLogin);
    session.begin_copy_in(copy);
    think(kWork);
    session.put_copy_data("not a number\n");
    EXPECT_EQ(session.end_copy_in().sqlstate, "22P02");
    think(kWork);
    expect_account(session, 1, 1);
    const auto slow = expect_slow(session, {copy});
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].sqlstate, "22P02");
}

TEST_F(Protocol, CopyTo) {
    const std::string copy = "COPY (SELECT work() FROM generate_series(1, 1)) TO STDOUT";
    Session session(kLogin);
    EXPECT_TRUE(session.copy_out(copy).ok());
    think(kWork);
    expect_account(session, 1, 1);
    const auto slow = expect_slow(session, {copy});
    ASSERT_EQ(slow.size(), 1u);
    EXPECT_EQ(slow[0].rows, 1);
}

// The triggers of all rows are fired when the data is in.
TEST_F(Protocol, CopyIntoATableWithTriggers) {
    const std::string copy = "COPY with_after_trigger FROM STDIN";
    Session session(kLogin);
    session.begin_copy_in(copy);
    session.put_copy_data("1\n");
    EXPECT_TRUE(session.end_copy_in().ok());
    session.begin_copy_in("COPY with_deferred_trigger FROM STDIN");
    session.put_copy_data("1\n");
    EXPECT_TRUE(session.end_copy_in().ok());
    think(kWork);
    expect_account(session, 2, 2);
    expect_slow(session, {copy, "COPY with_deferred_trigger FROM STDIN"});
}

}  // namespace
}  // namespace leash::protocol
