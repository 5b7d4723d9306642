#include "metrics/collect.h"
#include "metrics/families.h"
#include "metrics/labels.h"
#include "metrics/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace leash::tool {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(const MetricsSample& sample, const MetricsOptions& options = {}) {
    return metrics_text(metric_families(sample, options));
}

std::vector<std::string> lines_of(const std::string& text, const std::string& start = "") {
    std::vector<std::string> lines;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = text.find('\n', at);
        const std::string line = text.substr(at, end - at);
        if (line.starts_with(start) && !line.starts_with('#')) {
            lines.push_back(line);
        }
        at = end + 1;
    }
    return lines;
}

Origin origin(const std::string& application) {
    return {"shop", "web", application};
}

ApplicationTotals application(const std::string& name, std::int64_t size = 1) {
    ApplicationTotals totals;
    totals.of = origin(name);
    totals.size = size;
    return totals;
}

TEST(Metrics, SessionsOfOneGroupAddUpAndTheLongestCounts) {
    MetricsSample sample;
    // A leaked part and another one, as they come from the server.
    sample.sessions = {{origin("api"), "idle", 3, 12.5, {}},
                       {origin("api"), "idle", 2, 700.25, {}},
                       {origin("api"), "active", 1, {}, {}}};
    sample.leaks = {{origin("api"), "abandoned", 2}};
    const std::string text = text_of(sample);
    EXPECT_THAT(text, HasSubstr("# TYPE pg_leash_sessions gauge\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_sessions{datname=\"shop\",usename=\"web\","
                                "application_name=\"api\",state=\"idle\"} 5\n"));
    EXPECT_THAT(text,
                HasSubstr("pg_leash_session_idle_max_seconds{datname=\"shop\",usename=\"web\","
                          "application_name=\"api\",state=\"idle\"} 700.25\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_leaked_sessions{datname=\"shop\",usename=\"web\","
                                "application_name=\"api\",kind=\"abandoned\"} 2\n"));
    EXPECT_EQ(lines_of(text, "pg_leash_session_idle_max_seconds").size(), 1U)
        << "who is active is not idle";
}

TEST(Metrics, CountersAreCounters) {
    MetricsSample sample;
    ApplicationTotals api = application("api", 4);
    api.busy = 2;
    api.busy_peak = 3;
    api.active = 1.5;
    api.idle_in_transaction = 0.25;
    api.client_wait = 0.125;
    api.opened = 9;
    api.ended = {4, 0, 0, 0, 1};
    api.slow_statements = 6;
    sample.applications = {api};
    const std::string text = text_of(sample);
    const std::string labels = "{datname=\"shop\",application_name=\"api\"} ";
    EXPECT_THAT(text, HasSubstr("# TYPE pg_leash_active_seconds_total counter\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_active_seconds_total" + labels + "1.5\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_idle_in_transaction_seconds_total" + labels + "0.25\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_client_wait_seconds_total" + labels + "0.125\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_slow_statements_total" + labels + "6\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_sessions_opened_total{application_name=\"api\"} 9\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_sessions_ended_total{application_name=\"api\","
                                "reason=\"exit\"} 4\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_sessions_ended_total{application_name=\"api\","
                                "reason=\"reaped\"} 1\n"));
    EXPECT_EQ(lines_of(text, "pg_leash_sessions_ended_total").size(), 2U);
    EXPECT_THAT(text, HasSubstr("pg_leash_busy_sessions{datname=\"shop\",usename=\"web\","
                                "application_name=\"api\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_busy_sessions_max{datname=\"shop\",usename=\"web\","
                                "application_name=\"api\"} 3\n"));
}

TEST(Metrics, HistogramsAreCumulative) {
    MetricsSample sample;
    sample.statements = {{"api", {{0.001048575, 3}, {0.5, 4}, {HUGE_VAL, 6}}, 2.5}};
    sample.idle_periods = {{"api", {{0.5, 1}, {HUGE_VAL, 2}}, 60}};
    const std::string text = text_of(sample);
    EXPECT_THAT(text, HasSubstr("# TYPE pg_leash_statement_duration_seconds histogram\n"));
    EXPECT_THAT(
        lines_of(text, "pg_leash_statement_duration_seconds"),
        testing::ElementsAre(
            "pg_leash_statement_duration_seconds_count{application_name=\"api\"} 6",
            "pg_leash_statement_duration_seconds_sum{application_name=\"api\"} 2.5",
            "pg_leash_statement_duration_seconds_bucket{application_name=\"api\",le="
            "\"0.001048575\"} 3",
            "pg_leash_statement_duration_seconds_bucket{application_name=\"api\",le=\"0.5\"}"
            " 4",
            "pg_leash_statement_duration_seconds_bucket{application_name=\"api\",le=\"+Inf\""
            "} 6"));
    EXPECT_THAT(text, HasSubstr("pg_leash_idle_period_seconds_bucket{application_name=\"api\","
                                "state=\"idle\",le=\"0.5\"} 1\n"));
}

TEST(Metrics, HistogramsOfOthersAddUp) {
    MetricsSample sample;
    sample.applications = {application("large", 9), application("small"), application("tiny")};
    sample.statements = {{"large", {{1, 1}, {HUGE_VAL, 1}}, 1},
                         {"small", {{1, 2}, {HUGE_VAL, 3}}, 2},
                         {"tiny", {{1, 4}, {HUGE_VAL, 5}}, 4}};
    const std::string text = text_of(sample, {.top_applications = 1});
    const std::string name = "pg_leash_statement_duration_seconds";
    EXPECT_THAT(text, HasSubstr(name + "_bucket{application_name=\"large\",le=\"1\"} 1\n"));
    EXPECT_THAT(text, HasSubstr(name + "_bucket{application_name=\"other\",le=\"1\"} 6\n"));
    EXPECT_THAT(text, HasSubstr(name + "_count{application_name=\"other\"} 8\n"));
    EXPECT_THAT(text, HasSubstr(name + "_sum{application_name=\"other\"} 6\n"));
}

TEST(Metrics, TheLargestApplicationsKeepTheirNames) {
    MetricsSample sample;
    sample.applications = {application("a", 1), application("b", 5), application("c", 3)};
    for (ApplicationTotals& totals : sample.applications) {
        totals.opened = totals.size;
        totals.busy = totals.busy_peak = 1;
    }
    const std::string text = text_of(sample, {.top_applications = 2});
    EXPECT_THAT(
        lines_of(text, "pg_leash_sessions_opened_total"),
        testing::ElementsAre("pg_leash_sessions_opened_total{application_name=\"b\"} 5",
                             "pg_leash_sessions_opened_total{application_name=\"c\"} 3",
                             "pg_leash_sessions_opened_total{application_name=\"other\"} 1"));
    EXPECT_EQ(lines_of(text, "pg_leash_busy_sessions{").size(), 3U);
    EXPECT_EQ(lines_of(text, "pg_leash_busy_sessions_max").size(), 2U)
        << "peaks of several make no peak";
    EXPECT_EQ(lines_of(text_of(sample, {.top_applications = 0}), "pg_leash_sessions_opened").size(),
              3U);
}

TEST(Metrics, OneThatIsCalledOtherIsOneOfThem) {
    MetricsSample sample;
    sample.applications = {application("other", 9), application("b", 5), application("c", 3)};
    sample.applications[0].opened = 1;
    sample.applications[2].opened = 2;
    EXPECT_THAT(text_of(sample, {.top_applications = 2}),
                HasSubstr("pg_leash_sessions_opened_total{application_name=\"other\"} 3\n"));
}

TEST(Metrics, OfTheSameSizeTheSameAreChosen) {
    MetricsSample sample;
    sample.applications = {application("c"), application("a"), application("b")};
    const LabelSpace labels(sample, 2);
    EXPECT_TRUE(labels.keeps("a"));
    EXPECT_TRUE(labels.keeps("b"));
    EXPECT_FALSE(labels.keeps("c"));
}

// Names without end: of applications, of roles, of databases.
TEST(Metrics, SeriesAreBounded) {
    MetricsSample sample;
    for (int i = 0; i < 10'000; ++i) {
        const std::string name = std::to_string(i);
        const Origin of = {"db" + name, "role" + name, i % 2 == 0 ? "one" : "app" + name};
        for (const char* state : {"idle", "active", "idle in transaction"}) {
            sample.sessions.push_back({of, state, 1, 1.0, 1.0});
        }
        sample.leaks.push_back({of, "abandoned", 1});
        sample.blocked.push_back({of, 1});
        ApplicationTotals totals;
        totals.of = of;
        totals.size = 1;
        totals.opened = 1;
        totals.ended = {1, 1, 1, 1, 1};
        sample.applications.push_back(totals);
        sample.statements.push_back(
            {of.application_name, std::vector<Durations::Bucket>(10, {1, 1}), 1});
        sample.pools[of.application_name] = 2;
    }
    const std::string text = text_of(sample, {.compatibility = true});
    EXPECT_LT(lines_of(text).size(), 6'000U);
    EXPECT_GT(lines_of(text).size(), 1'000U);
    const auto opened = lines_of(text, "pg_leash_sessions_opened_total");
    EXPECT_EQ(opened.size(), 51U);
    double sum = 0;
    for (const std::string& line : opened) {
        sum += std::stod(line.substr(line.rfind(' ')));
    }
    EXPECT_EQ(sum, 10'000) << "nobody is lost";
    sum = 0;
    for (const std::string& line : lines_of(text, "pg_leash_sessions{")) {
        sum += std::stod(line.substr(line.rfind(' ')));
    }
    EXPECT_EQ(sum, 30'000);
}

TEST(Metrics, HundredApplicationsAreLessThanTwoThousandSeries) {
    MetricsSample sample;
    for (int i = 0; i < 100; ++i) {
        const std::string name = "app" + std::to_string(i);
        for (const char* state : {"idle", "active", "idle in transaction"}) {
            sample.sessions.push_back({origin(name), state, 3, 1.0, 1.0});
        }
        sample.leaks.push_back({origin(name), "idle in transaction", 1});
        ApplicationTotals totals = application(name, 8);
        totals.ended = {1, 1, 0, 0, 0};
        sample.applications.push_back(totals);
        sample.statements.push_back({name, std::vector<Durations::Bucket>(9, {1, 1}), 1});
        sample.statements.back().buckets.push_back({HUGE_VAL, 1});
        sample.idle_periods.push_back({name, std::vector<Durations::Bucket>(6, {1, 1}), 1});
        sample.idle_periods.back().buckets.push_back({HUGE_VAL, 1});
        sample.pools[name] = 4;
    }
    EXPECT_LT(lines_of(text_of(sample)).size(), 1'950U);
}

TEST(Metrics, NoSeriesComesTwice) {
    MetricsSample sample;
    // Two names of which nothing is left but what replaces what is no UTF-8.
    sample.sessions = {{origin("\xff"), "idle", 1, {}, {}}, {origin("\xfe"), "idle", 1, {}, {}}};
    sample.sessions.push_back({origin("a\nb"), "idle", 1, {}, {}});
    sample.pools = {{"x", 1}, {"y", 2}};
    const auto lines = lines_of(text_of(sample, {.top_applications = 1}));
    std::set<std::string> series;
    for (const std::string& line : lines) {
        EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
    }
}

TEST(MetricsText, EscapesWhatClientsChoose) {
    MetricsSample sample;
    sample.sessions = {{origin("say \"hi\"\nC:\\x {a=1}"), "idle", 1, {}, {}}};
    EXPECT_THAT(text_of(sample), HasSubstr("application_name=\"say \\\"hi\\\"\\nC:\\\\x {a=1}\""));
}

TEST(MetricsText, IsAlwaysUtf8) {
    prometheus::MetricFamily family = single_metric("x", "An x.", 1);
    family.metric[0].label.push_back({"application_name", "caf\xe9 \xf0\x9f\x90\x98"});
    EXPECT_THAT(metrics_text({family}),
                HasSubstr("{application_name=\"caf\xef\xbf\xbd \xf0\x9f\x90\x98\"} 1\n"));
}

TEST(MetricsText, LeavesOutWhatHasNoValue) {
    prometheus::MetricFamily empty = single_metric("empty", "Nothing.", 1);
    empty.metric.clear();
    EXPECT_EQ(metrics_text({empty}), "");
    EXPECT_THAT(text_of({}), Not(HasSubstr("pg_leash_sessions")));
}

TEST(MetricsText, NumbersKeepTheirDigits) {
    EXPECT_THAT(metrics_text({single_metric("x", "An x.", 1'764'012'345.678901)}),
                HasSubstr("pg_leash_x 1764012345.678901\n"));
    EXPECT_THAT(metrics_text({single_metric("x", "An x.", 123'456'789'012.0)}),
                HasSubstr("pg_leash_x 123456789012\n"));
}

TEST(Metrics, AFullServerShows) {
    MetricsSample sample;
    sample.slots.max = 100;
    sample.slots.reserved = 3;
    sample.slots.used = 97;
    EXPECT_THAT(text_of(sample), HasSubstr("pg_leash_server_full 1\n"));
    sample.slots.used = 96;
    EXPECT_THAT(text_of(sample), HasSubstr("pg_leash_server_full 0\n"));
    sample.slots.used = std::nullopt;
    EXPECT_THAT(text_of(sample), Not(HasSubstr("pg_leash_server_full")));
}

TEST(Metrics, WorkerAndTracker) {
    MetricsSample sample;
    sample.worker = {"observe", 1.0, 1764012345.5};
    sample.tracker = {200, 7, 3};
    sample.decisions = {{"stale", "idle in transaction", "ended", "enforce", 4}};
    sample.slots.refused = {{"too_many_clients", 5}};
    const std::string text = text_of(sample);
    EXPECT_THAT(text, HasSubstr("pg_leash_reaper_enabled{mode=\"observe\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_reaper_interval_seconds 1\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_reaper_last_run_timestamp_seconds 1764012345.5\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_tracker_slots 200\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_tracker_slots_used 7\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_tracker_dropped_total 3\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_reaped_sessions_total{policy=\"stale\",reason=\"idle in "
                                "transaction\",result=\"ended\",mode=\"enforce\"} 4\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_connections_refused_total{reason=\"too_many_clients\"} "
                                "5\n"));
    sample.worker->reaping = "off";
    EXPECT_THAT(text_of(sample), HasSubstr("pg_leash_reaper_enabled{mode=\"off\"} 0\n"));
}

TEST(Metrics, OtherNamesOnRequest) {
    MetricsSample sample;
    sample.server_version = "15.20";
    sample.slots.max = 100;
    sample.slots.superuser_reserved = 3;
    sample.sessions = {{origin("api"), "idle in transaction", 2, 5.0, 70.5}};
    EXPECT_THAT(text_of(sample), Not(HasSubstr("\npg_stat")));
    const std::string text = text_of(sample, {.compatibility = true});
    EXPECT_THAT(text, HasSubstr("\npg_up 1\n"));
    EXPECT_THAT(text, HasSubstr("\npg_stat_activity_count{datname=\"shop\",usename=\"web\","
                                "application_name=\"api\",state=\"idle in transaction\"} 2\n"));
    EXPECT_THAT(text,
                HasSubstr("\npg_stat_activity_max_tx_duration{datname=\"shop\",usename=\"web\""
                          ",application_name=\"api\",state=\"idle in transaction\"} 70.5\n"));
    EXPECT_THAT(text, HasSubstr("\npg_settings_max_connections 100\n"));
    EXPECT_THAT(text, HasSubstr("\npg_settings_superuser_reserved_connections 3\n"));
    EXPECT_THAT(text, HasSubstr("\npg_static{short_version=\"15.20\"} 1\n"));
}

TEST(FailedMetrics, SayThatTheServerDidNotAnswer) {
    const Failure error("no route");
    const std::string text =
        metrics_text(failed_metrics(error, std::chrono::duration<double>(0.5), {}));
    EXPECT_THAT(text, HasSubstr("pg_leash_up 0\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_last_scrape_error 1\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_scrape_duration_seconds 0.5\n"));
    EXPECT_THAT(text, Not(HasSubstr("server_full")));
    EXPECT_THAT(text, Not(HasSubstr("pg_up")));
}

TEST(FailedMetrics, SayThatTheServerIsFull) {
    const ServerFull full("too many clients", "db1", "5432", true);
    const std::string text = metrics_text(
        failed_metrics(full, std::chrono::duration<double>(0), {.compatibility = true}));
    EXPECT_THAT(text, HasSubstr("pg_leash_up 0\n"));
    EXPECT_THAT(text, HasSubstr("pg_leash_server_full 1\n"));
    EXPECT_THAT(text, HasSubstr("\npg_up 0\n"));
}

}  // namespace
}  // namespace leash::tool
