// What is sent to a server, and what is made of its refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/filters.h"
#include "commands/watch.h"
#include "connection/connect_error.h"
#include "connection/server.h"

namespace leash::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Glob, BecomesALikePattern) {
    EXPECT_EQ(like_pattern("shop-*"), "shop-%");
    EXPECT_EQ(like_pattern("a?c"), "a_c");
    EXPECT_EQ(like_pattern("100%_x"), "100\\%\\_x");
    EXPECT_EQ(like_pattern("\\*literal\\?"), "*literal?");
    EXPECT_EQ(like_pattern("back\\\\slash"), "back\\\\slash");
    EXPECT_EQ(like_pattern("end\\"), "end\\\\");
    EXPECT_EQ(like_pattern(""), "");
}

TEST(ListingQuery, SendsWhatTheUserTypedAsParameters) {
    Filters filters;
    filters.app = "x' OR 1=1 --*";
    filters.user = "'; DROP TABLE t";
    filters.db = "\"db\"";
    filters.address = "10.0.0.0/8";
    filters.state = "idle";
    filters.min_idle_us = 5'000'000;
    filters.limit = 3;
    for (const Listing listing : {Listing::kSessions, Listing::kLeaks, Listing::kLeakGroups}) {
        const Query query = listing_query({listing, filters});
        EXPECT_THAT(query.sql, Not(HasSubstr("DROP")));
        EXPECT_THAT(query.sql, Not(HasSubstr("1=1")));
        EXPECT_THAT(query.sql, Not(HasSubstr("10.0.0.0")));
        EXPECT_THAT(query.parameters,
                    ElementsAre("x' OR 1=1 --%", "'; DROP TABLE t", "\"db\"", "10.0.0.0/8", "idle",
                                "5000000 microseconds", "3"));
    }
}

TEST(ListingQuery, WithoutFiltersHasNoConditions) {
    const Query query = listing_query({Listing::kSlow});
    EXPECT_TRUE(query.parameters.empty());
    EXPECT_THAT(query.sql, Not(HasSubstr("WHERE")));
    EXPECT_THAT(query.sql, HasSubstr("FROM leash.slow_statements ORDER BY finished_at DESC"));
}

TEST(ListingQuery, SortsByOneOfItsColumns) {
    Filters filters;
    filters.sort = Sort{sort_column(Listing::kSessions, "idle_for_seconds"), true};
    ASSERT_NE(filters.sort->column, nullptr);
    EXPECT_THAT(listing_query({Listing::kSessions, filters}).sql,
                HasSubstr("ORDER BY idle_for DESC NULLS LAST, "));
}

TEST(ConnectError, BecomesOneLineWithItsCode) {
    const ConnectError error = parse_connect_error(
        "connection to server at \"db1\" (10.0.0.1), port 5432 failed: FATAL:  53300: sorry, too "
        "many clients already\nLOCATION:  InitProcess, proc.c:355\n");
    EXPECT_EQ(error.sqlstate, "53300");
    EXPECT_EQ(error.function, "InitProcess");
    EXPECT_EQ(error.message,
              "connection to server at \"db1\" (10.0.0.1), port 5432 failed: FATAL:  sorry, too "
              "many clients already");
}

TEST(ConnectError, ReadsTheCodeInAnyLanguage) {
    const ConnectError error =
        parse_connect_error("Verbindung zum Server failed: СБОЙ:  53300: слишком много клиентов\n");
    EXPECT_EQ(error.sqlstate, "53300");
    EXPECT_THAT(explain_connect_error("x failed: СБОЙ:  53300: слишком много клиентов\n"),
                HasSubstr("the server is full"));
}

TEST(ConnectError, TellsTheLimitsApart) {
    const auto explained = [](const std::string& function) {
        return explain_connect_error("x failed: FATAL:  53300: refused\nORT:  " + function +
                                     ", some.c:1\n");
    };
    EXPECT_EQ(explained("InitProcess"),
              "x failed: FATAL:  refused; the server is full, reserved slots included: end a "
              "client, or use a session that is connected already");
    EXPECT_THAT(explained("InitPostgres"), HasSubstr("connect as a superuser"));
    EXPECT_THAT(explained("InitializeSessionUserId"), HasSubstr("the role's CONNECTION LIMIT"));
    EXPECT_THAT(explained("CheckMyDatabase"), HasSubstr("the database's CONNECTION LIMIT"));
}

TEST(ConnectError, SaysOnceWhatFailedAlikeOnTwoAddresses) {
    const std::string text =
        "connection to server at \"localhost\" (::1), port 1 failed: Connection refused\n"
        "\tIs the server running on that host and accepting TCP/IP connections?\n"
        "connection to server at \"localhost\" (127.0.0.1), port 1 failed: Connection refused\n"
        "\tIs the server running on that host and accepting TCP/IP connections?\n";
    EXPECT_EQ(explain_connect_error(text),
              "connection to server at \"localhost\" (127.0.0.1), port 1 failed: Connection "
              "refused; check that the server runs there (-h, -p)");
}

TEST(ConnectError, KeepsDifferentFailures) {
    const ConnectError error = parse_connect_error(
        "connection to server at \"a\" (1.1.1.1), port 1 failed: Connection refused\n"
        "\tIs the server running?\n"
        "connection to server at \"b\" (1.1.1.2), port 1 failed: timeout expired\n");
    EXPECT_THAT(error.message, HasSubstr("Connection refused; connection to server at \"b\""));
    EXPECT_EQ(error.sqlstate, "");
}

TEST(ConnectError, SurvivesAnything) {
    EXPECT_EQ(explain_connect_error(""), "");
    EXPECT_EQ(explain_connect_error("\n\n"), "");
    EXPECT_EQ(explain_connect_error("x:  53300"), "x:  53300");
    EXPECT_EQ(explain_connect_error(":  "), ":  ");
}

TEST(Versions, CompareByNumber) {
    EXPECT_LT(compare_versions("1.9", "1.10"), 0);
    EXPECT_GT(compare_versions("2.0", "1.10"), 0);
    EXPECT_EQ(compare_versions("1.0", "1.0.0"), 0);
    EXPECT_EQ(compare_versions("1", "1.0"), 0);
    EXPECT_LT(compare_versions("", "1.0"), 0);
}

TEST(Watch, RedrawsWithoutScrolling) {
    EXPECT_EQ(screen_of("a\nb\nc\n", 24), "\033[Ha\033[K\nb\033[K\nc\033[K\n\033[J");
    EXPECT_EQ(screen_of("a\nb\nc\n", 3), "\033[Ha\033[K\nb\033[K\n\033[J");
}

}  // namespace
}  // namespace leash::tool
