#include "render/instant.h"
#include "render/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "commands/columns.h"
#include "render/text.h"

namespace leash::tool {
namespace {

constexpr Column kColumns[] = {
    {.name = "session_id", .header = "SESSION"},
    {.name = "hidden"},
    {.name = "app", .header = "APPLICATION", .min_width = 6},
    {.name = "idle_for", .kind = Kind::kDuration, .header = "IDLE"},
    {.name = "state", .kind = Kind::kState, .header = "STATE", .drop_rank = 1},
    {.name = "query", .kind = Kind::kQuery, .header = "QUERY", .min_width = 8, .drop_rank = 2},
};

Dataset sample() {
    return {kColumns,
            {{"6745a1b2.1f3", "x", "shop-api", "93.5", "idle in transaction", "SELECT *\n  FROM t"},
             {"6745a1b2.ff", std::nullopt, "a\x1b[2Jb", std::nullopt, std::nullopt, std::nullopt}}};
}

std::string rendered(std::size_t width) {
    return render_table(sample(), {.width = width});
}

std::size_t widest_line(const std::string& text) {
    std::size_t widest = 0;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = text.find('\n', start);
        widest = std::max(widest, display_width(text.substr(start, end - start)));
        start = end + 1;
    }
    return widest;
}

TEST(Table, AlignsWithoutBordersOrTrailingBlanks) {
    EXPECT_EQ(rendered(0),
              "SESSION       APPLICATION      IDLE  STATE        QUERY\n"
              "6745a1b2.1f3  shop-api     1min 33s  idle in txn  SELECT * FROM t\n"
              "6745a1b2.ff   a\\x1b[2Jb\n");
}

TEST(Table, ShortensTheWidestFirst) {
    EXPECT_EQ(rendered(60),
              "SESSION       APPLICATI…      IDLE  STATE        QUERY\n"
              "6745a1b2.1f3  shop-api    1min 33s  idle in txn  SELECT * F…\n"
              "6745a1b2.ff   a\\x1b[2Jb\n");
}

TEST(Table, LeavesOutColumnsByRank) {
    EXPECT_EQ(rendered(44),
              "SESSION       APPLIC…      IDLE  STATE\n"
              "6745a1b2.1f3  shop-a…  1min 33s  idle in txn\n"
              "6745a1b2.ff   a\\x1b[…\n");
    EXPECT_EQ(rendered(30),
              "SESSION       APPLI…      IDLE\n"
              "6745a1b2.1f3  shop-…  1min 33s\n"
              "6745a1b2.ff   a\\x1b…\n");
}

TEST(Table, NeverExceedsTheTerminal) {
    for (std::size_t width = 12; width < 100; ++width) {
        EXPECT_LE(widest_line(rendered(width)), width);
    }
}

TEST(Table, WithoutRowsIsEmpty) {
    EXPECT_EQ(render_table({kColumns, {}}, {.width = 80}), "");
}

TEST(Table, ColoursStatesOnly) {
    const std::string text = render_table(sample(), {.width = 0, .color = true});
    EXPECT_NE(text.find("\033[38;5;214midle in txn\033[0m"), std::string::npos);
    EXPECT_NE(text.find("  shop-api  "), std::string::npos);
    EXPECT_EQ(rendered(0).find('\033'), std::string::npos);
}

TEST(Table, ShowsInstantsAsAges) {
    const Column column{.name = "at", .kind = Kind::kInstant};
    const auto now = parse_instant("2026-01-31T12:00:00.500000Z");
    ASSERT_TRUE(now);
    const TableStyle style{.now_us = *now};
    EXPECT_EQ(table_cell(column, "2026-01-31T11:55:00.000000Z", style), "5min");
    EXPECT_EQ(table_cell(column, "2026-01-31T12:00:01.000000Z", style), "0s");  // clocks differ
    EXPECT_EQ(table_cell(column, "infinity", style), "infinity");
}

TEST(Table, ShowsDurationsInWords) {
    const Column column{.name = "idle_for", .kind = Kind::kDuration};
    EXPECT_EQ(table_cell(column, "0.000000", {}), "0s");
    EXPECT_EQ(table_cell(column, "93.500000", {}), "1min 33s");
    EXPECT_EQ(table_cell(column, "Infinity", {}), "Infinity");
    EXPECT_EQ(table_cell(column, "NaN", {}), "NaN");
    EXPECT_EQ(table_cell(column, "1e300", {}), "1e300");
    EXPECT_EQ(table_cell(column, "12 parsecs", {}), "12 parsecs");
}

TEST(Table, AbbreviatesWhatWouldTakeAThirdOfTheScreen) {
    const Column column{.name = "state", .kind = Kind::kState};
    EXPECT_EQ(table_cell(column, "idle in transaction", {}), "idle in txn");
    EXPECT_EQ(table_cell(column, "idle in transaction (aborted)", {}), "aborted txn");
    EXPECT_EQ(table_cell(column, "aborted transaction", {}), "aborted txn");
    EXPECT_EQ(table_cell(column, "stalled client", {}), "stalled client");
}

// The tables of the commands, with long names in every column, fit 80 columns
// and still show what matters.
TEST(Table, EveryListingFits80Columns) {
    for (const Listing listing :
         {Listing::kSessions, Listing::kLeaks, Listing::kLeakGroups, Listing::kSlow}) {
        const std::span<const Column> columns = columns_of(listing);
        Row row;
        for (const Column& column : columns) {
            switch (column.kind) {
                case Kind::kDuration:
                    row.emplace_back("86399");
                    break;
                case Kind::kState:
                    row.emplace_back("idle in transaction");
                    break;
                case Kind::kCount:
                    row.emplace_back("12345");
                    break;
                case Kind::kInstant:
                    row.emplace_back("2026-01-31T11:55:00.000000Z");
                    break;
                default:
                    row.emplace_back(std::string(column.name) == "session_id"
                                         ? "6745a1b2.3fffff"
                                         : "a_rather_long_name_of_something");
            }
        }
        const std::string text = render_table({columns, {row}}, {.width = 80, .now_us = 0});
        EXPECT_LE(widest_line(text), 80U) << text;
        EXPECT_NE(text.find("APPLICATION"), std::string::npos) << text;
    }
}

}  // namespace
}  // namespace leash::tool
