// The load of bench/pool_advice.  Pools of known load are measured; what pgleash advises
// for them is held against Erlang's formula, against pools of each size that are tried,
// and against what becomes of the requests when the advice is taken.
#include "open_pool.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <list>
#include <map>
#include <sstream>

#include "core/queueing.h"

namespace {

using load::Clock;
using load::OpenPool;
using load::Outcome;
using load::Stream;

constexpr double kWork = 0.2;      // seconds
constexpr double kWaiting = 0.05;  // share of requests that may wait
constexpr int kTolerance = 1;      // connections
constexpr int kTriedAround = 3;    // sizes tried below and above Erlang's
constexpr unsigned kSeed = 20'260'101;

struct Case {
    double level;
    int oversized;  // the pool that it has before
    int copies;     // of each tried pool, so that all see as many requests
};

constexpr Case kCases[] = {{1, 20, 8}, {4, 40, 2}, {16, 80, 1}};

std::string name_of(const char* what, const Case& one) {
    return std::string(what) + '-' + std::to_string(static_cast<int>(one.level));
}

// What `pgleash advise pools --csv` says of one application, by column.
using Advice = std::map<std::string, double>;

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');) {
        cells.push_back(cell);
    }
    return cells;
}

Advice ask(const std::string& pgleash, const std::string& application) {
    const std::string command =
        "'" + pgleash + "' advise pools --force --csv --app '" + application + "'";
    std::FILE* const pipe = popen(command.c_str(), "r");
    std::string text;
    for (int c = 0; pipe != nullptr && (c = std::fgetc(pipe)) != EOF;) {
        text += static_cast<char>(c);
    }
    if (pipe == nullptr || pclose(pipe) != 0) {
        load::fail(command.c_str(), "failed");
    }
    std::istringstream lines(text);
    std::string header;
    std::string row;
    std::getline(lines, header);
    std::getline(lines, row);
    const std::vector<std::string> names = split(header);
    const std::vector<std::string> cells = split(row);
    Advice advice;
    for (std::size_t i = 0; i < names.size() && i < cells.size(); i++) {
        advice[names[i]] = std::atof(cells[i].c_str());
    }
    return advice;
}

// Pools that run at the same time, with what came of each.
class Run {
public:
    explicit Run(double seconds) : seconds_(seconds) {}

    OpenPool& add(const std::string& application, int size, Stream stream) {
        return pools_.emplace_back(application, size, stream);
    }

    // Asks `during` shortly before the load ends.
    template <class During>
    std::vector<Outcome> run(During&& during) {
        const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                         std::chrono::duration<double>(seconds_));
        for (OpenPool& pool : pools_) {
            pool.start(end);
        }
        std::this_thread::sleep_until(end);
        during();
        std::vector<Outcome> outcomes;
        for (OpenPool& pool : pools_) {
            outcomes.push_back(pool.finish());
        }
        return outcomes;
    }

private:
    const double seconds_;
    std::list<OpenPool> pools_;
};

// --- what is advised ---------------------------------------------------------------

std::vector<Advice> measure(double seconds, const std::string& pgleash) {
    Run run(seconds);
    for (const Case& one : kCases) {
        run.add(name_of("before", one), one.oversized, {one.level, kWork, kSeed});
    }
    std::vector<Advice> advice;
    run.run([&] {
        for (const Case& one : kCases) {
            advice.push_back(ask(pgleash, name_of("before", one)));
        }
    });
    return advice;
}

// --- what is needed ------------------------------------------------------------------

struct Tried {
    int smallest = 0;  // in which few enough wait; 0: none was
    std::map<int, double> wait_share;
    long requests = 0;  // of each size
};

std::vector<Tried> try_sizes(double seconds) {
    Run run(seconds);
    struct Key {
        std::size_t at;
        int size;
    };
    std::vector<Key> keys;
    for (std::size_t i = 0; i < std::size(kCases); i++) {
        const Case& one = kCases[i];
        const int erlang = static_cast<int>(leash::smallest_pool(one.level, kWaiting));
        for (int size = std::max(erlang - kTriedAround, 1); size <= erlang + kTriedAround; size++) {
            for (int copy = 0; copy < one.copies; copy++) {
                // The same requests for each size, so that nothing but the size differs.
                run.add(name_of("try", one), size,
                        {one.level, kWork, kSeed + static_cast<unsigned>(copy) + 1});
                keys.push_back({i, size});
            }
        }
    }
    const std::vector<Outcome> outcomes = run.run([] {});
    std::vector<std::map<int, Outcome>> sums(std::size(kCases));
    for (std::size_t i = 0; i < keys.size(); i++) {
        sums[keys[i].at][keys[i].size].add(outcomes[i]);
    }
    std::vector<Tried> tried(std::size(kCases));
    for (std::size_t i = 0; i < sums.size(); i++) {
        for (const auto& [size, outcome] : sums[i]) {
            tried[i].wait_share[size] = outcome.wait_share();
            tried[i].requests = static_cast<long>(outcome.latencies.size());
        }
        for (auto at = tried[i].wait_share.rbegin(); at != tried[i].wait_share.rend(); ++at) {
            if (at->second >= kWaiting) {
                break;
            }
            tried[i].smallest = at->first;
        }
    }
    return tried;
}

bool report_sizes(const std::vector<Advice>& advice, const std::vector<Tried>& tried) {
    bool right = true;
    std::printf("%4s %10s %8s | %9s %9s %9s %5s | %s\n", "L", "measured", "printed", "Erlang C",
                "by trying", "requests", "", "share that waited, by pool size");
    for (std::size_t i = 0; i < std::size(kCases); i++) {
        const double level = kCases[i].level;
        const int printed = static_cast<int>(advice[i].at("formula"));
        const int erlang = static_cast<int>(leash::smallest_pool(level, kWaiting));
        const bool ok = std::abs(printed - erlang) <= kTolerance &&
                        std::abs(printed - tried[i].smallest) <= kTolerance;
        right &= ok;
        std::printf("%4.0f %10.2f %8d | %9d %9d %9ld %5s |", level, advice[i].at("level"), printed,
                    erlang, tried[i].smallest, tried[i].requests, ok ? "ok" : "OFF");
        for (const auto& [size, share] : tried[i].wait_share) {
            std::printf(" %d: %.1f%%", size, 100 * share);
        }
        std::printf("\n");
    }
    std::printf(
        "\nprinted: ceil(L + 2 sqrt L) of the L measured; Erlang C and by trying: the "
        "smallest pool in which\nless than %.0f %% of the requests wait. They may be off by "
        "%d.\n\n",
        100 * kWaiting, kTolerance);
    return right;
}

// --- what becomes of it ------------------------------------------------------------

struct Pair {
    double apart = 0;           // two pools of the size of before, most in any round, seconds
    std::vector<double> worse;  // the advised one behind the mean of those two
    double before = 0;          // p95 of the last round, seconds
    double after = 0;
};

// In each round the same requests go to a pool as before, to another one as before, and
// to one as advised.
std::vector<Pair> take(const std::vector<Advice>& advice, double seconds, int rounds) {
    std::vector<Pair> pairs(std::size(kCases));
    for (int round = 0; round < rounds; round++) {
        Run run(seconds);
        for (std::size_t i = 0; i < std::size(kCases); i++) {
            const Case& one = kCases[i];
            const Stream stream{one.level, kWork, kSeed + 100 + static_cast<unsigned>(round)};
            run.add(name_of("same", one), one.oversized, stream);
            run.add(name_of("again", one), one.oversized, stream);
            run.add(name_of("after", one), static_cast<int>(advice[i].at("per_instance")), stream);
        }
        std::vector<Outcome> outcomes = run.run([] {});
        for (std::size_t i = 0; i < std::size(kCases); i++) {
            const double same = outcomes[3 * i].percentile(0.95);
            const double again = outcomes[3 * i + 1].percentile(0.95);
            const double after = outcomes[3 * i + 2].percentile(0.95);
            pairs[i].apart = std::max(pairs[i].apart, std::abs(same - again));
            pairs[i].worse.push_back(after - (same + again) / 2);
            pairs[i].before = (same + again) / 2;
            pairs[i].after = after;
        }
    }
    return pairs;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

bool report_pairs(const std::vector<Advice>& advice, const std::vector<Pair>& pairs) {
    bool right = true;
    std::printf("%4s %8s %8s | %10s %10s | %12s %12s\n", "L", "sessions", "advised", "p95 before",
                "after", "after, worse", "A/A, apart");
    for (std::size_t i = 0; i < std::size(kCases); i++) {
        const int advised = static_cast<int>(advice[i].at("per_instance"));
        const double worse = median(pairs[i].worse);
        const bool ok = advised < kCases[i].oversized && worse <= pairs[i].apart;
        right &= ok;
        std::printf("%4.0f %8d %8d | %7.1f ms %7.1f ms | %9.1f ms %9.1f ms  %s\n", kCases[i].level,
                    kCases[i].oversized, advised, 1000 * pairs[i].before, 1000 * pairs[i].after,
                    1000 * worse, 1000 * pairs[i].apart, ok ? "ok" : "WORSE");
    }
    std::printf(
        "\np95 from arrival to answer, waiting for a connection included, last round. worse: "
        "median of the\nrounds; apart: the most by which two pools as before differed in a "
        "round with the same requests.\n");
    return right;
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = argc == 4 ? std::atof(argv[1]) : 0;
    const int rounds = argc == 4 ? std::atoi(argv[2]) : 0;
    if (seconds <= 0 || rounds <= 0) {
        std::fputs("Usage: pool_advice_load SECONDS ROUNDS PGLEASH\n", stderr);
        return 2;
    }
    const std::string pgleash = argv[3];
    load::must(load::connect("watcher", nullptr).get(), "CREATE EXTENSION IF NOT EXISTS pg_leash");
    const std::vector<Advice> advice = measure(seconds, pgleash);
    const std::vector<Tried> tried = try_sizes(seconds);
    bool right = report_sizes(advice, tried);
    std::fflush(stdout);
    right &= report_pairs(advice, take(advice, seconds / 2, rounds));
    return right ? 0 : 1;
}
