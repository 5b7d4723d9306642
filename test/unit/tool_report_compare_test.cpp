#include "report/compare.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/page.h"
#include "report_samples.h"

namespace leash::tool {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Change* change_named(const Comparison& comparison, const std::string& name) {
    const auto at = std::find_if(comparison.changes.begin(), comparison.changes.end(),
                                 [&](const Change& change) { return change.name == name; });
    return at == comparison.changes.end() ? nullptr : &*at;
}

Change change(double before, double after, Wish wish = Wish::less, Unit unit = Unit::amount) {
    return {"x", "", before, after, wish, unit};
}

TEST(ReportCompare, SaysWhatGotBetterAndWorse) {
    EXPECT_EQ(verdict_of(change(100, 50)), "better");
    EXPECT_EQ(verdict_of(change(100, 150)), "worse");
    EXPECT_EQ(verdict_of(change(100, 103)), "");  // chance
    EXPECT_EQ(verdict_of(change(0, 1)), "worse");
    EXPECT_EQ(verdict_of(change(100, 50, Wish::none)), "");
    EXPECT_EQ(verdict_of(change(0.7, 0.97, Wish::more, Unit::percent)), "better");
    EXPECT_EQ(verdict_of(change(0.971, 0.97, Wish::more, Unit::percent)), "");
    Change unknown = change(1, 2);
    unknown.before.reset();
    EXPECT_EQ(verdict_of(unknown), "");
}

TEST(ReportCompare, SaysByHowMuch) {
    EXPECT_EQ(difference_text(change(200, 50)), "-75 %");
    EXPECT_EQ(difference_text(change(200, 210)), "+5 %");
    EXPECT_EQ(difference_text(change(200, 200.1)), "same");
    EXPECT_EQ(difference_text(change(0, 3)), "from none");
    EXPECT_EQ(difference_text(change(0, 0)), "same");
    EXPECT_EQ(difference_text(change(1, 40)), "40 times");
    EXPECT_EQ(difference_text(change(0.5, 0.625, Wish::more, Unit::percent)), "+12.5 points");
    Change unknown = change(1, 2);
    unknown.after.reset();
    EXPECT_EQ(difference_text(unknown), "");
    EXPECT_EQ(value_text(unknown, unknown.after), "-");
}

TEST(ReportCompare, ComparesTwoWeeks) {
    const Evidence before = shop_in_trouble();
    const Evidence after = shop_mended();
    const Comparison comparison = compare(before, after);
    EXPECT_THAT(comparison.cautions, IsEmpty());
    const Change* peak = change_named(comparison, "Most connections");
    ASSERT_NE(peak, nullptr);
    EXPECT_EQ(*peak->before, 197);
    EXPECT_LT(*peak->after, 100);
    EXPECT_EQ(verdict_of(*peak), "better");
    EXPECT_EQ(*change_named(comparison, "Leaked sessions")->after, 0);
    EXPECT_EQ(*change_named(comparison, "Compute hours")->after, 117);
}

// A history of a week holds the last days before the other snapshot, too.
TEST(ReportCompare, CountsNoMinuteTwice) {
    const Evidence before = shop_in_trouble();
    Evidence after = before;
    const std::int64_t hour = 3'600'000'000;
    after.server.now.us += 3 * hour;
    for (int i = 0; i < 180; ++i) {
        MinuteFacts minute = before.history.back();
        minute.minute.us += (i + 1) * (hour / 60);
        minute.used_peak = 7;
        after.history.push_back(minute);
    }
    const Comparison comparison = compare(before, after);
    EXPECT_EQ(comparison.after.minutes.size(), 180U);
    EXPECT_EQ(*change_named(comparison, "Most connections")->after, 7);
    EXPECT_THAT(comparison.cautions,
                Contains(HasSubstr("minutes are in both; they count as before")));
    EXPECT_THAT(comparison.cautions,
                Contains(AllOf(HasSubstr("after 3h."), HasSubstr("peaks only with"))));
}

TEST(ReportCompare, SaysWhatCannotBeCompared) {
    const Evidence before = shop_in_trouble();
    Evidence after = shop_mended();
    after.server.host = "other.example";
    after.server.version = "17.5";
    after.server.extension_version.reset();
    after.connections.max_connections = 50;
    const Comparison comparison = compare(before, after);
    EXPECT_THAT(comparison.cautions,
                ElementsAre(HasSubstr("different servers"), HasSubstr("15.20 and is 17.5"),
                            HasSubstr("1.0 and is not there"), HasSubstr("200 and is 50")));
    EXPECT_THAT(compare(after, before).cautions, Contains(HasSubstr("Were they swapped?")));
}

TEST(ReportCompare, NothingIsNotZero) {
    const Evidence empty = empty_server();
    const Comparison comparison = compare(empty, shop_mended());
    EXPECT_THAT(comparison.cautions, Contains("Before, there was no history of minutes."));
    const Change* refused = change_named(comparison, "Refused for lack of a slot");
    ASSERT_NE(refused, nullptr);
    EXPECT_FALSE(refused->before);
    const Comparison nothing = compare(empty, empty);
    EXPECT_THAT(nothing.cautions, Contains("After, there is no history of minutes."));
    EXPECT_EQ(change_named(nothing, "Cache hits"), nullptr);  // no row for what neither knows
}

TEST(ReportCompare, PairsWhatBelongsTogether) {
    const Evidence before = shop_in_trouble();
    const Evidence after = shop_mended();
    const Comparison comparison = compare(before, after);
    EXPECT_EQ(comparison.applications.front().before->application_name, "shop-api");
    EXPECT_EQ(comparison.applications.front().after->sessions, 14);
    const auto gone = std::count_if(comparison.applications.begin(), comparison.applications.end(),
                                    [](const auto& pair) { return pair.after == nullptr; });
    EXPECT_EQ(gone, 1);  // nightly-report
    EXPECT_EQ(comparison.causes.size(), 2U);
    EXPECT_EQ(comparison.causes.front().after, nullptr);
    EXPECT_FALSE(comparison.compute.front().after->application_name);  // the whole server first
}

SlowPair slow_of(const Evidence& before, const Evidence& after) {
    return compare(before, after).slow.at(0);
}

// Statistics go on from one snapshot to the next, unless they were reset.
TEST(ReportCompare, CountsOfSlowStatementsAreThoseInBetween) {
    Evidence before = shop_in_trouble();
    before.slow.resize(1);
    before.slow[0].calls = 100;
    before.slow[0].total_time.value = 1'000;
    before.slow[0].mean_time.value = 10;
    before.connections.stats_reset = Instant{before.server.now.us - 2 * 86'400'000'000};
    Evidence after = before;
    after.server.now.us += 86'400'000'000;
    after.slow[0].calls = 150;
    after.slow[0].total_time.value = 1'100;
    SlowPair pair = slow_of(before, after);
    EXPECT_EQ(pair.calls_after, 50);
    EXPECT_DOUBLE_EQ(pair.mean_after, 2);
    EXPECT_DOUBLE_EQ(*pair.seconds_a_day_before, 500);
    EXPECT_DOUBLE_EQ(*pair.seconds_a_day_after, 100);

    after.slow[0] = before.slow[0];
    EXPECT_EQ(slow_of(before, after).calls_after, 0);

    after.connections.stats_reset = Instant{before.server.now.us + 43'200'000'000};
    after.slow[0].calls = 5;
    after.slow[0].total_time.value = 20;
    pair = slow_of(before, after);
    EXPECT_EQ(pair.calls_after, 5);
    EXPECT_DOUBLE_EQ(pair.mean_after, 4);
    EXPECT_DOUBLE_EQ(*pair.seconds_a_day_after, 40);
}

TEST(ReportComparePage, HoldsBoth) {
    const std::string page = compare_page(shop_in_trouble(), shop_mended());
    EXPECT_THAT(page, HasSubstr("Connections against the limit, before"));
    EXPECT_THAT(page, HasSubstr("Connections against the limit, after"));
    EXPECT_THAT(page, HasSubstr("<span class=\"better\">better</span>"));
    EXPECT_THAT(page, Not(HasSubstr("class=\"caution\"")));
    EXPECT_LT(page.size(), 1'000'000U);
}

TEST(ReportComparePage, SurvivesAnything) {
    for (const char* before : {"empty", "minute", "gaps", "clock", "hostile", "mended"}) {
        for (const char* after : {"empty", "minute", "gaps", "clock", "hostile", "trouble"}) {
            const std::string page = compare_page(sample_named(before), sample_named(after));
            EXPECT_TRUE(page.ends_with("</html>\n")) << before << after;
            EXPECT_THAT(page, Not(HasSubstr("\"nan"))) << before << after;
            EXPECT_THAT(page, Not(HasSubstr("<script>document"))) << before << after;
        }
    }
}

}  // namespace
}  // namespace leash::tool
