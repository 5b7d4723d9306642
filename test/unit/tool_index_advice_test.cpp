#include "commands/index_advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leash::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

IndexAdvice sample(const std::string& columns = "customer") {
    IndexAdvice advice;
    advice.table = "shop.orders";
    advice.columns = columns;
    advice.facts = {advice.table,
                    columns,
                    "2 slow statements read all of shop.orders, about 40000 rows each, to keep "
                    "about 20",
                    "2",
                    "3.5",
                    "80000",
                    "40",
                    "17",
                    "2026-01-01T00:00:00.000000Z",
                    "4",
                    "160000",
                    "0",
                    "40000",
                    "123"};
    return advice;
}

IndexAdvice tried(double before, double after) {
    IndexAdvice advice = sample();
    advice.query = "SELECT * FROM shop.orders WHERE customer = '17'";
    advice.cost_before = before;
    advice.cost_after = after;
    advice.size = "1048576";
    return advice;
}

Cell cell(const IndexAdvice& advice, const char* column) {
    const Dataset data = advice_rows({advice});
    return cell_of(data, data.rows.front(), column);
}

std::string text(const IndexAdvice& advice, std::size_t width = 0) {
    return advice_text({advice}, {.width = width, .now_us = 1767225660000000});
}

TEST(SplitIdentifiers, UndoesQuotes) {
    EXPECT_THAT(split_identifiers("a, b"), ElementsAre("a", "b"));
    EXPECT_THAT(split_identifiers(R"(a, "placed On", "say ""hi"", you", z)"),
                ElementsAre("a", "placed On", "say \"hi\", you", "z"));
    EXPECT_THAT(split_identifiers(""), ElementsAre());
}

TEST(PlanCost, IsTheTotalOfTheTopNode) {
    EXPECT_EQ(plan_cost(R"([{"Plan": {"Node Type": "Gather", "Total Cost": 42.5,
                              "Plans": [{"Total Cost": 7}]}}])"),
              42.5);
    EXPECT_EQ(plan_cost("[]"), std::nullopt);
    EXPECT_EQ(plan_cost("{\"Plan\": 1}"), std::nullopt);
    EXPECT_EQ(plan_cost("Seq Scan"), std::nullopt);
    EXPECT_EQ(plan_cost(R"([{"Plan": {"Total Cost": "dear"}}])"), std::nullopt);
}

TEST(IndexAdvice, CreatesWhereNothingSpeaksAgainstIt) {
    EXPECT_EQ(verdict_of(sample()), IndexVerdict::kCreate);
    EXPECT_EQ(verdict_of(tried(100, 10)), IndexVerdict::kCreate);
    EXPECT_EQ(create_statement(sample("customer, \"placed On\"")),
              "CREATE INDEX CONCURRENTLY ON shop.orders (customer, \"placed On\");");
}

TEST(IndexAdvice, DoesNotWhereThePlannerGainsNothing) {
    const IndexAdvice advice = tried(100, 99);
    EXPECT_EQ(verdict_of(advice), IndexVerdict::kNoGain);
    EXPECT_EQ(cell(advice, "statement"), std::nullopt);
    EXPECT_EQ(cell(advice, "risk"), std::nullopt);
    EXPECT_EQ(cell(advice, "cost_after"), "99.00");
}

TEST(IndexAdvice, DoesNotWhereAnIndexIs) {
    IndexAdvice advice = sample();
    advice.index = ExistingIndex{"shop.there", true};
    EXPECT_EQ(verdict_of(advice), IndexVerdict::kExists);
    EXPECT_EQ(create_statement(advice), "");
    EXPECT_THAT(text(advice), HasSubstr("index shop.there begins with these columns, yet was not"));
    advice.index->valid = false;
    EXPECT_EQ(verdict_of(advice), IndexVerdict::kInvalid);
    EXPECT_THAT(text(advice), HasSubstr("REINDEX INDEX CONCURRENTLY shop.there"));
}

TEST(IndexAdvice, OneIndexServesWhatItBeginsWith) {
    std::vector<IndexAdvice> all = {sample("a"), sample("a, b"), sample("b"), sample("a, b, c"),
                                    sample("ab")};
    all.push_back(sample("b, x"));
    all.back().table = "shop.other";
    mark_covered(all);
    std::vector<std::string> covered;
    for (const IndexAdvice& one : all) {
        covered.push_back(one.covered_by);
    }
    EXPECT_THAT(covered, ElementsAre("a, b, c", "a, b, c", "", "", "", ""));
    EXPECT_EQ(create_statement(all[0]), "");
}

TEST(IndexAdvice, WhatIsNotAdvisedCoversNothing) {
    std::vector<IndexAdvice> all = {sample("a"), sample("a, b")};
    all[1].index = ExistingIndex{"shop.b_a", true};
    mark_covered(all);
    EXPECT_EQ(all[0].covered_by, "");
}

TEST(IndexAdvice, ReadsWell) {
    EXPECT_EQ(text(tried(1025.5, 18), 80),
              "1. shop.orders (customer)\n"
              "   evidence  2 slow statements read all of shop.orders, about 40000 rows each,\n"
              "             to keep about 20; 3.5s in all, last seen 1min ago\n"
              "   scans     of 40000 rows: seq_scan 4 (seq_tup_read 160000), idx_scan 0, as\n"
              "             pg_stat_user_tables counts\n"
              "   cost      1025.50 now, 18.00 with the index\n"
              "   of        SELECT * FROM shop.orders WHERE customer = '17'\n"
              "   paste     CREATE INDEX CONCURRENTLY ON shop.orders (customer);\n"
              "   risk      writes get slower (123 rows written so far), it takes about 1.0 MB\n"
              "             of disk, and building it runs long: it reads the table twice and\n"
              "             waits for open transactions\n");
}

TEST(IndexAdvice, WhatStrangersNamedIsHarmless) {
    IndexAdvice advice = sample("\"a\x1b[2J\"");
    EXPECT_THAT(text(advice), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace leash::tool
