#include "report/page.h"

#include <algorithm>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/chart.h"
#include "report/numbers.h"
#include "report/time_charts.h"
#include "report_samples.h"

namespace leash::tool {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

std::size_t count_of(const std::string& text, const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
        ++n;
    }
    return n;
}

// What is ours and the same in every page may hold anything; the rest is looked at.
std::string without_assets(const std::string& page) {
    std::string out = page;
    for (const char* element : {"style", "script"}) {
        const std::string open = std::string("<") + element + '>';
        const std::size_t begin = out.find(open);
        const std::size_t end = out.find(std::string("</") + element + '>', begin);
        EXPECT_NE(begin, std::string::npos);
        EXPECT_NE(end, std::string::npos);
        out.erase(begin, end - begin);
    }
    return out;
}

std::string tags_of(const std::string& page) {
    std::string tags;
    const std::regex tag("<[^>]*>");
    const std::regex hash("sha256-[^']*");  // may hold any letters
    for (std::sregex_iterator at(page.begin(), page.end(), tag), end; at != end; ++at) {
        tags += std::regex_replace(at->str(), hash, "");
    }
    return tags;
}

nlohmann::json data_of(const std::string& page) {
    const std::string open = "<script type=\"application/json\" id=\"data\">";
    const std::size_t begin = page.find(open) + open.size();
    return nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

// An empty list and one that is not known are not the same.
TEST(ReportOfAnOldSnapshot, SaysWhatItLacks) {
    Evidence evidence = shop_in_trouble();
    EXPECT_THAT(report_page(evidence), Not(HasSubstr("lacks")));
    evidence.missing = {"slow", "compute"};
    EXPECT_THAT(report_page(evidence), HasSubstr("of another pgleash, and lacks slow, compute:"));
    EXPECT_THAT(compare_page(evidence, shop_in_trouble()), HasSubstr("lacks slow, compute:"));
}

class ReportPage : public testing::TestWithParam<const char*> {};

// Whatever the server holds: one document, closed elements, nothing from outside.
TEST_P(ReportPage, IsAWholePage) {
    const std::string page = without_assets(report_page(sample_named(GetParam())));
    EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
    EXPECT_TRUE(page.ends_with("</body></html>\n"));
    for (const char* element : {"section", "figure", "table", "tbody", "thead", "tr", "details",
                                "ul", "dl", "main", "svg", "p", "small", "code"}) {
        const std::string name(element);
        EXPECT_EQ(count_of(page, '<' + name + '>') + count_of(page, '<' + name + ' '),
                  count_of(page, "</" + name + '>'))
            << name;
    }
    const std::string tags = tags_of(page);
    for (const char* never : {" src=", "<link", "<iframe", "<img", "<base", "<object", "<form",
                              "href=\"h", "url(", " style=", " on", "nan", "inf", "width=\"-"}) {
        EXPECT_THAT(tags, Not(HasSubstr(never)));
    }
    EXPECT_LT(page.size(), 1'000'000U);
    EXPECT_NO_THROW(data_of(page + "<script>"));
}

INSTANTIATE_TEST_SUITE_P(Samples, ReportPage,
                         testing::Values("trouble", "mended", "empty", "minute", "gaps", "clock",
                                         "hostile"),
                         [](const auto& info) { return std::string(info.param); });

TEST(ReportPageOf, AWeekIsBelowAMegabyte) {
    Evidence evidence = shop_in_trouble();
    // Numbers as long as they get, and as many statements as are read.
    for (MinuteFacts& minute : evidence.history) {
        minute.used_peak += 10'000;
        minute.rows_read = 12'345'678'901;
        minute.rows_written = 1'234'567'891;
        minute.slow = 12'345;
        minute.refused = 1'234;
    }
    evidence.slow.resize(100, evidence.slow.front());
    for (SlowFacts& slow : evidence.slow) {
        slow.query = std::string(10'000, '"');
    }
    evidence.applications.resize(300, evidence.applications.front());
    evidence.causes.resize(300, evidence.causes.front());
    ASSERT_GT(evidence.history.size(), 10'000U);
    EXPECT_LT(report_page(evidence).size(), 1'000'000U);
}

// Not one of the attempts leaves a tag, an attribute or an element of its own.
TEST(ReportPageOf, NobodysNameIsMarkup) {
    const std::string page = without_assets(report_page(hostile_server()));
    EXPECT_GT(count_of(page, kHostileMarker), 100U);
    const std::string tags = tags_of(page);
    EXPECT_THAT(tags, Not(HasSubstr(kHostileMarker)));
    EXPECT_EQ(count_of(page, "<script"), 1U);  // the data's
    EXPECT_EQ(count_of(page, "<style"), 0U);
    EXPECT_THAT(page, Not(HasSubstr("\x1b")));
    EXPECT_THAT(page, Not(HasSubstr("\u202e")));
    EXPECT_THAT(page, Not(HasSubstr("\xff")));
}

TEST(ReportPageOf, TheEmptyServerSaysSo) {
    const std::string page = report_page(empty_server());
    EXPECT_THAT(page, HasSubstr("There is no history of minutes yet"));
    EXPECT_THAT(page, HasSubstr("Nothing stood out"));
    EXPECT_THAT(page, Not(HasSubstr("<figure")));
    EXPECT_TRUE(data_of(page).empty());
}

TEST(ReportPageOf, GapsAreSaidAndDrawn) {
    const std::string page = report_page(sample_named("gaps"));
    EXPECT_THAT(page, HasSubstr("gaps in the minutes"));
    EXPECT_THAT(page, HasSubstr("class=\"gap\""));
    EXPECT_THAT(page, HasSubstr(">no data</text>"));
    EXPECT_GT(data_of(page)["minutes"]["runs"].size(), 3U);
}

TEST(ReportPageOf, ClockStepsAreSaid) {
    const std::string page = report_page(sample_named("clock"));
    EXPECT_THAT(page, HasSubstr("40 minutes came twice"));
    EXPECT_THAT(page, HasSubstr("30 minutes later than the server&#39;s own clock; left out"));
}

TEST(ReportPageOf, TheLimitAndThePeakAreMarked) {
    const Evidence evidence = shop_in_trouble();
    const Timeline timeline = timeline_of(evidence);
    const std::string svg = chart_svg(connections_chart(evidence, timeline), timeline).code();
    EXPECT_THAT(svg, HasSubstr("197 for ordinary roles, of max_connections 200"));
    EXPECT_THAT(svg, HasSubstr("peak 197"));
    EXPECT_THAT(svg, HasSubstr("class=\"mark\""));
}

// Of a thousand slots five are used: drawn to scale they would be a line at the bottom.
TEST(ReportPageOf, AFarLimitIsSaidInstead) {
    Evidence evidence = sample_named("minute");
    evidence.connections.max_connections = 10'000;
    const Timeline timeline = timeline_of(evidence);
    const Chart chart = connections_chart(evidence, timeline);
    EXPECT_FALSE(chart.limit);
    EXPECT_THAT(chart.note, HasSubstr("far above this picture"));
    EXPECT_TRUE(connections_chart(evidence, timeline, true).limit);
}

// Peaks of one minute may be of different moments; together they never exceed what was used.
TEST(ReportPageOf, StatesAreWithinWhatWasUsed) {
    Evidence evidence = sample_named("minute");
    MinuteFacts& minute = evidence.history.front();
    minute.used_peak = 10;
    minute.active_peak = 8;
    minute.idle_in_transaction_peak = 7;
    const Timeline timeline = timeline_of(evidence);
    const auto levels = levels_of(connections_chart(evidence, timeline), timeline.minutes.front());
    EXPECT_THAT(levels, testing::ElementsAre(8.0, 10.0, 10.0));
}

TEST(ReportPageOf, EveryChartHasItsTable) {
    const std::string page = report_page(shop_in_trouble());
    EXPECT_EQ(count_of(page, "<figure"), 7U);
    EXPECT_EQ(count_of(page, "<details>"), 7U);
    EXPECT_EQ(count_of(page, "class=\"plot\" role=\"img\""), 7U);
}

TEST(ReportPageOf, ApplicationsAreByWaste) {
    const std::string page = report_page(shop_in_trouble());
    const std::size_t section = page.find("id=\"applications\"");
    EXPECT_LT(page.find("shop-api", section), page.find("node-worker", section));
    EXPECT_THAT(page, HasSubstr("Together they hold 95 sessions now and need 34"));
}

// Sessions that opened no transaction are found by what they ran last.
TEST(ReportPageOf, ACauseWithoutOpenerNamesItsLastStatement) {
    Evidence evidence = empty_server();
    CauseFacts cause;
    cause.kind = "abandoned";
    cause.sessions = 3;
    cause.last_statement = "SELECT <b> FROM carts";
    evidence.causes = {cause};
    const char* const last = "<td>last: <code>SELECT &lt;b&gt; FROM carts</code></td>";
    EXPECT_THAT(report_page(evidence), HasSubstr(last));
    EXPECT_THAT(compare_page(evidence, evidence), HasSubstr(last));
    evidence.causes[0].opener = "BEGIN";
    EXPECT_THAT(report_page(evidence), HasSubstr("<td><code>BEGIN</code></td>"));
    EXPECT_THAT(report_page(evidence), Not(HasSubstr("last: ")));
    evidence.causes[0].opener.clear();
    evidence.causes[0].last_statement.reset();
    EXPECT_THAT(report_page(evidence), Not(HasSubstr("last: ")));
}

TEST(ReportNumbers, AreReadable) {
    EXPECT_EQ(count_text(1'234'567), "1,234,567");
    EXPECT_EQ(count_text(-1'234), "-1,234");
    EXPECT_EQ(count_text(999), "999");
    EXPECT_EQ(amount_text(0.04), "0.04");
    EXPECT_EQ(amount_text(1'000), "1,000");
    EXPECT_EQ(amount_text(12'300), "12.3k");
    EXPECT_EQ(amount_text(2e6), "2M");
    EXPECT_EQ(amount_text(9.999), "10");
    EXPECT_EQ(percent_text(0.9341), "93.4 %");
    EXPECT_EQ(percent_text(1), "100 %");
    EXPECT_EQ(percent_text(0.99999), "99.99 %");  // not all of it
    EXPECT_EQ(percent_text(0.000001), "0.01 %");  // not nothing
    EXPECT_EQ(percent_text(0), "0 %");
    EXPECT_EQ(length_text(Seconds{3'903}), "1h 5min");
    EXPECT_EQ(length_text(Seconds{-1}), "-");
    EXPECT_EQ(moment_text(Instant{1'778'576'400'000'000}), "Tue 12 May 2026 09:00");
    EXPECT_EQ(number_of(1, "session"), "1 session");
}

TEST(ReportNumbers, TicksAreRound) {
    EXPECT_THAT(ticks_of(0, 215, 5), testing::ElementsAre(50, 100, 150, 200));
    EXPECT_THAT(ticks_of(0.9, 1, 5).size(), testing::Le(5U));
    EXPECT_TRUE(ticks_of(1, 1, 5).empty());
}

}  // namespace
}  // namespace leash::tool
