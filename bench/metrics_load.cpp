// The load of bench/metrics: opens sessions of many applications, and scrapes as pgleash
// metrics and pgleash serve do, over a connection that is kept.
#include "load.h"

#include "metrics/collect.h"
#include "metrics/text.h"
#include "source/sql_source.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostSeries = 2000;
constexpr int kMostSeriesOfMany = 6000;

struct Scrapes {
    std::vector<double> milliseconds;
    std::size_t series = 0;
    std::size_t bytes = 0;

    double at(double share) const {
        std::vector<double> sorted = milliseconds;
        std::sort(sorted.begin(), sorted.end());
        return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
    }
};

std::size_t count_series(const std::string& text) {
    std::size_t series = 0;
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
        series += text[at] == '#' ? 0 : 1;
    }
    return series;
}

Scrapes scrape(leash::tool::Source& source, int times) {
    Scrapes scrapes;
    for (int i = 0; i <= times; i++) {
        const auto begun = Clock::now();
        const std::string text =
            leash::tool::metrics_text(leash::tool::collect_metrics(source, {}));
        const std::chrono::duration<double, std::milli> took = Clock::now() - begun;
        if (i > 0) {  // the first one fills caches
            scrapes.milliseconds.push_back(took.count());
        }
        scrapes.series = count_series(text);
        scrapes.bytes = text.size();
    }
    return scrapes;
}

bool report(const char* what, const Scrapes& scrapes, int most) {
    std::printf("%-34s median %6.1f ms   p99 %6.1f ms   %5zu series (at most %d)   %zu kB\n", what,
                scrapes.at(0.5), scrapes.at(0.99), scrapes.series, most - 1, scrapes.bytes / 1000);
    return scrapes.series < static_cast<std::size_t>(most);
}

std::vector<load::Connection> open_sessions(int sessions, int applications) {
    std::vector<load::Connection> open;
    for (int i = 0; i < sessions; i++) {
        const std::string name = "application " + std::to_string(i % applications);
        open.push_back(load::connect(name.c_str(), nullptr));
        PGconn* const session = open.back().get();
        if (i / applications % 3 == 0) {
            load::must(session, "BEGIN");
        }
        load::must(session, "SELECT count(*) FROM pg_class /*route='%2Fapi%2Forders'*/");
    }
    return open;
}

void come_and_go(int applications) {
    for (int i = 0; i < applications; i++) {
        load::must(load::connect(("passing " + std::to_string(i)).c_str(), nullptr).get(),
                   "SELECT 1");
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("Usage: metrics_load SESSIONS APPLICATIONS SCRAPES MANY\n", stderr);
        return 2;
    }
    const int many = std::atoi(argv[4]);
    load::must(load::connect("admin", nullptr).get(), "CREATE EXTENSION IF NOT EXISTS pg_leash");
    const auto sessions = open_sessions(std::atoi(argv[1]), std::max(std::atoi(argv[2]), 1));
    leash::tool::SqlSource source(leash::tool::Connection::open({}));
    bool good = report("a scrape", scrape(source, std::max(std::atoi(argv[3]), 1)), kMostSeries);
    if (many > 0) {
        come_and_go(many);
        const std::string what = "after " + std::to_string(many) + " more applications";
        good = report(what.c_str(), scrape(source, 5), kMostSeriesOfMany) && good;
    }
    return good ? 0 : 1;
}
