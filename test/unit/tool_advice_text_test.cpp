// How advice reads: the table, notes, and what is to be pasted.
#include "commands/advice_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "render/labelled.h"
#include "render/text.h"

namespace leash::tool {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'800'000'000 * kSecond;

ApplicationFacts app(const char* name, double level, std::int64_t p999, std::int64_t known_for) {
    ApplicationFacts facts;
    facts.application_name = name;
    facts.usename = "shop";
    facts.datname = "orders";
    facts.sessions = 20;
    facts.in_use_mean = level;
    facts.in_use_p999 = p999;
    facts.in_use_peak = p999 + 1;
    facts.statements = 1'000'000;
    facts.known_since = Instant{kNow - known_for * kSecond};
    facts.addresses = 2;
    return facts;
}

Evidence sample() {
    Evidence evidence;
    evidence.server.now.us = kNow;
    evidence.connections.max_connections = 200;
    evidence.connections.reserved = 3;
    evidence.applications = {app("node-api", 4, 11, 700'000), app("billing", 1, 2, 90'000),
                             app("new", 1, 2, 1'500)};
    return evidence;
}

std::string text(const Evidence& evidence, const char* client = "", PoolOptions options = {},
                 std::size_t width = 80) {
    const PoolPlan plan = advise_pools(evidence, options);
    return pools_text(plan, find_clients(client), options, {.width = width});
}

void expect_narrow(const std::string& out) {
    for (std::size_t at = 0; at < out.size();) {
        const std::size_t end = std::min(out.find('\n', at), out.size());
        EXPECT_LE(display_width(out.substr(at, end - at)), 80U) << out.substr(at, end - at);
        at = end + 1;
    }
}

TEST(PoolsText, IsATableWithItsLegend) {
    const std::string out = text(sample(), "pgbouncer", {.instances = 2});
    EXPECT_THAT(out,
                HasSubstr("APPLICATION  HELD     L  FORMULA  P99.9  PEAK  NEED  POOL   CONFIDENCE\n"
                          "node-api       20  4.00        8     11    12    11  2 x 7  high, 8d\n"
                          "billing        20  1.00        3      2     3     3  2 x 2  medium, 1d\n"
                          "new            20  1.00               2     3               collecting, "
                          "25min\n"
                          "\n"
                          "HELD counts its sessions now, L is the mean of those in use, FORMULA"));
    EXPECT_THAT(out, HasSubstr("Together the pools take 18 of 174 that there are to share; their "
                               "applications\nhold 60 now."));
    EXPECT_THAT(out, HasSubstr("- billing: confidence is medium: 1d of data, less than a week\n"));
    expect_narrow(out);
}

TEST(PoolsText, WhatIsPastedIsWhole) {
    const std::string out = text(sample(), "prisma", {.instances = 1});
    EXPECT_THAT(out, HasSubstr("node-api, for Prisma 7 (@prisma/adapter-pg)\n"
                               "   paste     const adapter = new PrismaPg({\n"
                               "               connectionString, max: 14,"));
    EXPECT_THAT(out, HasSubstr("node-api, for Prisma 6 and older\n"
                               "   paste     DATABASE_URL=\"postgresql://USER:PASSWORD@HOST:5432/"
                               "orders?connection_limit=14&pool_timeout=10&"
                               "application_name=node-api\"\n"));
    EXPECT_THAT(out, Not(HasSubstr("\nnew, for")));
}

TEST(PoolsText, ClientsThatNamesTellNeedNotBeAskedFor) {
    EXPECT_THAT(text(sample()), HasSubstr("node-api, for node-postgres\n"));
    EXPECT_THAT(text(sample()), Not(HasSubstr("billing, for")));
}

TEST(PoolsText, WhatTwoHaveInCommonIsPastedOnce) {
    const std::string out = text(sample(), "server", {.instances = 1});
    const std::string limit = "ALTER ROLE \"shop\" CONNECTION LIMIT 38;";
    EXPECT_NE(out.find(limit), std::string::npos) << out;
    EXPECT_EQ(out.find(limit), out.rfind(limit));
}

TEST(PoolsText, OfOneNameTheRoleTells) {
    Evidence evidence = sample();
    evidence.applications[1].application_name = "node-api";
    evidence.applications[1].usename = "crm";
    EXPECT_THAT(text(evidence), HasSubstr("- node-api of crm in orders: confidence is medium"));
}

TEST(PoolsText, WhatStrangersNamedIsHarmless) {
    Evidence evidence = sample();
    for (ApplicationFacts& facts : evidence.applications) {
        facts.application_name = "a\x1b[2J\n| **b** <script>'\"; --";
        facts.usename = facts.datname = facts.application_name;
    }
    for (const Client& client : clients()) {
        const std::string out = text(evidence, std::string(client.name).c_str());
        EXPECT_THAT(out, Not(HasSubstr("\x1b"))) << client.name;
        EXPECT_THAT(out, Not(HasSubstr("\n| **b**"))) << client.name;
    }
}

TEST(PoolRows, LackNumbersWhereNothingIsAdvised) {
    const auto rows = pools_json(advise_pools(sample(), {}), find_clients("pg"))["rows"];
    EXPECT_EQ(rows[0]["per_instance"], 7);
    EXPECT_EQ(rows[0]["level"], 4.0);
    EXPECT_EQ(rows[0]["paste"][0]["client"], "node-postgres");
    EXPECT_TRUE(rows[2]["collecting"]);
    EXPECT_TRUE(rows[2]["per_instance"].is_null());
    EXPECT_TRUE(rows[2]["formula"].is_null());
    EXPECT_EQ(rows[2]["level"], 1.0);
    EXPECT_EQ(rows[2]["paste"].size(), 0U);
}

TEST(PoolRows, WhatWasNotMeasuredIsNull) {
    Evidence evidence = sample();
    evidence.applications[0].in_use_mean.reset();
    evidence.applications[0].in_use_p999.reset();
    const auto document = pools_json(advise_pools(evidence, {}), {});
    for (const auto& row : document["rows"]) {
        if (row["application_name"] == "node-api") {
            EXPECT_TRUE(row["level"].is_null());
            EXPECT_TRUE(row["p999"].is_null());
            EXPECT_FALSE(row["measured"]);
        }
    }
    EXPECT_THAT(text(evidence), HasSubstr("not measured"));
}

TEST(SettingsText, ReadsWell) {
    const SettingAdvice advice{
        "idle_session_timeout",
        "role api\x1b[2J",
        "3 sessions idle, the oldest for 2h, and a text that needs more than one line",
        "ALTER ROLE api SET x;\nSELECT pg_reload_conf();\n",
        "enough",
        "",
        "ALTER ROLE api RESET x;\n"};
    EXPECT_EQ(settings_text({advice}, {.width = 60}),
              "1. idle_session_timeout (role api\\x1b[2J)\n"
              "   evidence  3 sessions idle, the oldest for 2h, and a text\n"
              "             that needs more than one line\n"
              "   paste     ALTER ROLE api SET x;\n"
              "             SELECT pg_reload_conf();\n"
              "   does      enough\n"
              "   undo      ALTER ROLE api RESET x;\n");
    const Dataset rows = setting_rows({advice});
    EXPECT_EQ(cell_of(rows, rows.rows[0], "risk"), std::nullopt);
    EXPECT_EQ(cell_of(rows, rows.rows[0], "paste"), advice.paste);
}

TEST(Labelled, WrapsBesideTheLabel) {
    EXPECT_EQ(labelled("note", "one two three", 24), "   note      one two\n             three\n");
    EXPECT_EQ(bullet("one two three", 9), "- one two\n  three\n");
    EXPECT_EQ(wrapped("one two three", 0), "one two three\n");
    EXPECT_EQ(labelled_lines("paste", ""), "");
}

}  // namespace
}  // namespace leash::tool
