// JSON, CSV and colour.
#include <gtest/gtest.h>

#include <string>

#include "render/color.h"
#include "render/csv.h"
#include "render/json.h"

namespace leash::tool {
namespace {

constexpr Column kColumns[] = {
    {.name = "session_id"},
    {.name = "label", .table_only = true},
    {.name = "application_name"},
    {.name = "pid", .kind = Kind::kCount},
    {.name = "idle_for", .kind = Kind::kDuration},
    {.name = "in_use", .kind = Kind::kBoolean},
    {.name = "tags", .kind = Kind::kJson},
    {.name = "query_id"},
};

Dataset one_row(const std::string& application) {
    return {kColumns,
            {{"a.b", "for people", application, "42", "12.500000", "t", "{\"route\": \"/x\"}",
              "-8123456789012345678"}}};
}

TEST(Json, HasStableTypedKeys) {
    EXPECT_EQ(json_text(json_rows(one_row("shop")), true),
              "[{\"session_id\":\"a.b\",\"application_name\":\"shop\",\"pid\":42,"
              "\"idle_for_seconds\":12.5,\"in_use\":true,\"tags\":{\"route\":\"/x\"},"
              "\"query_id\":\"-8123456789012345678\"}]\n");
}

TEST(Json, TurnsNullIntoNull) {
    const Dataset data{kColumns, {Row(8, std::nullopt)}};
    EXPECT_EQ(json_text(json_row(data, data.rows[0]), true),
              "{\"session_id\":null,\"application_name\":null,\"pid\":null,"
              "\"idle_for_seconds\":null,\"in_use\":null,\"tags\":null,\"query_id\":null}\n");
}

TEST(Json, SurvivesHostileNames) {
    const std::string hostile =
        "q\"b\\n\x1b[2J\x7f\xc2\x9b\u202Exé\xff\n" + std::string(10'000, 'y');
    const std::string text = json_text(json_rows(one_row(hostile)), false);
    const auto parsed = nlohmann::json::parse(text);
    EXPECT_EQ(parsed[0]["application_name"],
              "q\"b\\n\x1b[2J\x7f\xc2\x9b\u202Exé\uFFFD\n" + std::string(10'000, 'y'));
    for (const char c : text) {
        EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
        EXPECT_NE(c, '\x7f');
    }
    EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
    EXPECT_EQ(text.find("\u202E"), std::string::npos);
    EXPECT_NE(text.find("é"), std::string::npos);
}

TEST(Json, WritesSurrogatePairsForWhatIsBeyond) {
    EXPECT_EQ(json_text("\U000E0041", true), "\"\\udb40\\udc41\"\n");
    EXPECT_EQ(nlohmann::json::parse(json_text("\U000E0041", true)), "\U000E0041");
}

TEST(Json, KeepsWhatIsNoNumberAsText) {
    const Dataset data{kColumns, {{"a", "", "b", "12x", "NaN?", "f", "{broken", "1"}}};
    EXPECT_EQ(json_text(json_row(data, data.rows[0]), true),
              "{\"session_id\":\"a\",\"application_name\":\"b\",\"pid\":\"12x\","
              "\"idle_for_seconds\":\"NaN?\",\"in_use\":false,\"tags\":\"{broken\","
              "\"query_id\":\"1\"}\n");
}

TEST(Csv, QuotesWhatMustBeQuoted) {
    EXPECT_EQ(csv_field("plain"), "plain");
    EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
    EXPECT_EQ(csv_field("say \"x\""), "\"say \"\"x\"\"\"");
    EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
    EXPECT_EQ(csv_field("cr\r"), "\"cr\r\"");
    EXPECT_EQ(csv_field(" padded"), "\" padded\"");
    EXPECT_EQ(csv_field(""), "\"\"");
}

TEST(Csv, WritesHeaderAndRows) {
    EXPECT_EQ(render_csv(one_row("a,b"), false),
              "session_id,application_name,pid,idle_for_seconds,in_use,tags,query_id\n"
              "a.b,\"a,b\",42,12.500000,true,\"{\"\"route\"\": \"\"/x\"\"}\","
              "-8123456789012345678\n");
    const Dataset nulls{kColumns, {Row(8, std::nullopt)}};
    EXPECT_EQ(render_csv(nulls, false),
              "session_id,application_name,pid,idle_for_seconds,in_use,tags,query_id\n,,,,,,\n");
}

TEST(Csv, EscapesForATerminalOnly) {
    EXPECT_NE(render_csv(one_row("a\x1b[2J"), true).find("a\\x1b[2J"), std::string::npos);
    EXPECT_NE(render_csv(one_row("a\x1b[2J"), false).find("a\x1b[2J"), std::string::npos);
}

TEST(Color, FollowsTheOrderOfPrecedence) {
    const ColorEnvironment terminal{.is_terminal = true};
    EXPECT_TRUE(use_color(ColorChoice::kAuto, terminal));
    EXPECT_FALSE(use_color(ColorChoice::kAuto, {}));
    EXPECT_FALSE(use_color(ColorChoice::kNever, terminal));
    EXPECT_TRUE(use_color(ColorChoice::kAlways, {}));
    EXPECT_TRUE(use_color(ColorChoice::kAuto, {.clicolor_force = "1"}));
    EXPECT_FALSE(use_color(ColorChoice::kAuto, {.clicolor_force = "0"}));
    EXPECT_FALSE(use_color(ColorChoice::kNever, {.clicolor_force = "1"}));
    EXPECT_FALSE(use_color(ColorChoice::kAuto, {.term = "dumb", .is_terminal = true}));
    EXPECT_TRUE(use_color(ColorChoice::kAlways, {.term = "dumb"}));
    EXPECT_FALSE(use_color(ColorChoice::kAlways, {.no_color = "1", .is_terminal = true}));
    EXPECT_TRUE(use_color(ColorChoice::kAuto, {.no_color = "", .is_terminal = true}));
}

TEST(Color, MarksWordsByMeaning) {
    EXPECT_EQ(paint_of("idle in transaction"), Paint::kWaiting);
    EXPECT_EQ(paint_of("idle"), Paint::kDim);
    EXPECT_EQ(paint_of("active"), Paint::kActive);
    EXPECT_EQ(paint_of("abandoned"), Paint::kBad);
    EXPECT_EQ(paint_of("idle in transaction (aborted)"), Paint::kBad);
    EXPECT_EQ(paint_of("spared: woke up"), Paint::kWaiting);
    EXPECT_EQ(paint_of("refused: own session"), Paint::kBad);
    EXPECT_EQ(paint_of("anything else"), Paint::kNone);
}

}  // namespace
}  // namespace leash::tool
