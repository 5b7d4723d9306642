#include "report/compare.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/numbers.h"
#include "report/sections.h"

namespace leash::tool {
namespace {

using Value = std::optional<double>;

constexpr double kDayMinutes = 24 * 60;
constexpr double kDayUs = 86'400e6;

// Less than this is chance.
constexpr double kNotable = 0.05;
constexpr double kNotablePoints = 0.005;

template <class T>
Value number(const std::optional<T>& value) {
    return value ? Value(static_cast<double>(*value)) : Value();
}

Value share(double part, double whole) {
    return whole > 0 ? Value(part / whole) : Value();
}

// --- numbers of one side -------------------------------------------------------

// A week's worth of knowledge, or that of one moment.
class Side {
public:
    Side(const Evidence& evidence, const Timeline& timeline)
        : evidence_(evidence),
          minutes_(static_cast<double>(timeline.minutes.size())),
          total_(timeline.total().facts) {}

    Value peak() const {
        return minutes_ > 0 ? Value(static_cast<double>(total_.used_peak))
                            : number(evidence_.connections.peak_used);
    }
    Value peak_share() const {
        const auto limit = static_cast<double>(evidence_.connections.max_connections);
        const Value used = peak();
        return used ? share(*used, limit) : Value();
    }
    Value mean() const { return of_minutes(total_.used_mean); }
    Value idle_in_transaction() const {
        return of_minutes(static_cast<double>(total_.idle_in_transaction_peak));
    }
    Value leaked() const { return of_minutes(static_cast<double>(total_.leaked)); }
    Value leaked_now() const { return static_cast<double>(leaked_sessions(evidence_)); }
    Value refused() const { return a_day(static_cast<double>(total_.refused)); }
    Value opened() const { return a_day(static_cast<double>(total_.opened)); }
    Value reaped() const { return a_day(static_cast<double>(total_.reaped)); }
    Value statements() const { return a_day(static_cast<double>(total_.statements)); }
    Value slow() const { return a_day(static_cast<double>(total_.slow)); }
    Value hits() const { return total_.cache_hit_ratio; }
    Value busy() const {
        return minutes_ > 0 ? Value(total_.busy_seconds / 60 / minutes_) : Value();
    }
    Value rows_read() const {
        return total_.rows_read && total_.statements > 0
                   ? Value(static_cast<double>(*total_.rows_read) /
                           static_cast<double>(total_.statements))
                   : Value();
    }
    Value compute() const {
        const ComputeFacts* whole = whole_server(evidence_);
        return whole != nullptr ? Value(whole->compute_hours) : Value();
    }
    Value held() const {
        double sum = 0;
        for (const ApplicationFacts& application : evidence_.applications) {
            sum += static_cast<double>(application.sessions);
        }
        return evidence_.applications.empty() ? Value() : Value(sum);
    }
    Value wasted() const {
        Value sum;
        for (const ApplicationFacts& application : evidence_.applications) {
            if (const auto waste = waste_of(application)) {
                sum = sum.value_or(0) + static_cast<double>(*waste);
            }
        }
        return sum;
    }

private:
    Value of_minutes(double value) const { return minutes_ > 0 ? Value(value) : Value(); }
    Value a_day(double sum) const {
        return minutes_ > 0 ? Value(sum / minutes_ * kDayMinutes) : Value();
    }

    const Evidence& evidence_;
    double minutes_;
    MinuteFacts total_;
};

std::vector<Change> changes_of(const Side& a, const Side& b) {
    const Wish less = Wish::less;
    const Wish none = Wish::none;
    const Unit percent = Unit::percent;
    std::vector<Change> all = {
        {"Most connections", "", a.peak(), b.peak(), less},
        {"... of the limit", "", a.peak_share(), b.peak_share(), less, percent},
        {"Connections", "on average", a.mean(), b.mean(), less},
        {"Idle in transaction", "at most", a.idle_in_transaction(), b.idle_in_transaction(), less},
        {"Leaked sessions", "at most", a.leaked(), b.leaked(), less},
        {"Leaked sessions", "at the end", a.leaked_now(), b.leaked_now(), less},
        {"Held by applications", "at the end", a.held(), b.held(), less},
        {"... and wasted", "at the end", a.wasted(), b.wasted(), less},
        {"Refused for lack of a slot", "a day", a.refused(), b.refused(), less},
        {"Connections opened", "a day", a.opened(), b.opened(), none},
        {"Sessions reaped", "a day", a.reaped(), b.reaped(), none},
        {"Cache hits", "of blocks", a.hits(), b.hits(), Wish::more, percent},
        {"Statements", "a day", a.statements(), b.statements(), none},
        {"Slow statements", "a day", a.slow(), b.slow(), less},
        {"Rows read", "a statement", a.rows_read(), b.rows_read(), less},
        {"Busy sessions", "on average", a.busy(), b.busy(), none},
        {"Compute hours", "of a week", a.compute(), b.compute(), less},
    };
    std::erase_if(all, [](const Change& change) { return !change.known(); });
    return all;
}

// --- what must be said beside them -----------------------------------------------

bool same_server(const ServerFacts& a, const ServerFacts& b) {
    return a.host == b.host && a.port == b.port;
}

std::string length_of(const Timeline& timeline) {
    return length_text(Seconds{static_cast<double>(timeline.minutes.size()) * 60});
}

class Cautions {
public:
    void add(bool holds, const std::string& words) {
        if (holds) {
            all_.push_back(words);
        }
    }
    std::vector<std::string> take() { return std::move(all_); }

private:
    std::vector<std::string> all_;
};

void say_servers(Cautions& out, const Evidence& a, const Evidence& b) {
    const ServerFacts& x = a.server;
    const ServerFacts& y = b.server;
    out.add(!same_server(x, y),
            fmt::format("These are different servers, or different names of one: {} "
                        "and {}.",
                        address_of(x), address_of(y)));
    out.add(x.version != y.version,
            fmt::format("PostgreSQL was {} and is {}.", x.version, y.version));
    out.add(x.extension_version != y.extension_version,
            fmt::format("pg_leash was {} and is {}: what one of them does not measure is \"-\".",
                        x.extension_version.value_or("not there"),
                        y.extension_version.value_or("not there")));
    out.add(
        a.connections.max_connections != b.connections.max_connections,
        fmt::format("max_connections was {} and is {}.", count_text(a.connections.max_connections),
                    count_text(b.connections.max_connections)));
    out.add(y.now < x.now, "What is called \"after\" is older than \"before\". Were they swapped?");
}

void say_minutes(Cautions& out, const Comparison& comparison, std::int64_t shared) {
    const Timeline& a = comparison.before;
    const Timeline& b = comparison.after;
    out.add(shared > 0, fmt::format("{} in both; they count as before.",
                                    number_of(shared, "minute") + (shared == 1 ? " is" : " are")));
    out.add(a.empty(), "Before, there was no history of minutes.");
    out.add(b.empty(), shared > 0 ? "After, no minute has passed yet."
                                  : "After, there is no history of minutes.");
    if (a.empty() || b.empty()) {
        return;
    }
    const double ratio =
        static_cast<double>(a.minutes.size()) / static_cast<double>(b.minutes.size());
    out.add(
        ratio > 1.5 || ratio < 1 / 1.5,
        fmt::format("Before covers {} of minutes, after {}. Rates can be compared, peaks only with "
                    "care: more time sees higher ones.",
                    length_of(a), length_of(b)));
    const std::size_t shorter = std::min(a.minutes.size(), b.minutes.size());
    out.add(shorter < static_cast<std::size_t>(kDayMinutes) && ratio <= 1.5 && ratio >= 1 / 1.5,
            "Less than a day on each side: the time of day may explain a difference.");
}

// --- pairs -------------------------------------------------------------------------

// Rows of both by what names them, in the order of `before`, then what is new.
template <class Facts, class Same>
std::vector<Pair<Facts>> pairs_of(const std::vector<Facts>& before, const std::vector<Facts>& after,
                                  Same same) {
    std::vector<Pair<Facts>> pairs;
    for (const Facts& facts : before) {
        pairs.push_back({&facts, nullptr});
    }
    for (const Facts& facts : after) {
        const auto at = std::find_if(pairs.begin(), pairs.end(), [&](const Pair<Facts>& pair) {
            return pair.before != nullptr && pair.after == nullptr && same(*pair.before, facts);
        });
        if (at != pairs.end()) {
            at->after = &facts;
        } else {
            pairs.push_back({nullptr, &facts});
        }
    }
    return pairs;
}

template <class Facts, class Amount>
void by_change(std::vector<Pair<Facts>>& pairs, Amount amount) {
    const auto change = [&](const Pair<Facts>& pair) {
        return std::abs((pair.after != nullptr ? amount(*pair.after) : 0.0) -
                        (pair.before != nullptr ? amount(*pair.before) : 0.0));
    };
    std::stable_sort(pairs.begin(), pairs.end(),
                     [&](const auto& a, const auto& b) { return change(a) > change(b); });
}

void pair_rows(Comparison& out, const Evidence& a, const Evidence& b) {
    out.applications = pairs_of(a.applications, b.applications,
                                [](const ApplicationFacts& x, const ApplicationFacts& y) {
                                    return x.application_name == y.application_name &&
                                           x.usename == y.usename && x.datname == y.datname;
                                });
    by_change(out.applications,
              [](const ApplicationFacts& x) { return static_cast<double>(x.sessions); });
    out.causes = pairs_of(a.causes, b.causes, [](const CauseFacts& x, const CauseFacts& y) {
        return x.kind == y.kind && x.application_name == y.application_name &&
               x.usename == y.usename && x.datname == y.datname && x.opener == y.opener;
    });
    by_change(out.causes, [](const CauseFacts& x) { return static_cast<double>(x.sessions); });
    out.compute = pairs_of(a.compute, b.compute, [](const ComputeFacts& x, const ComputeFacts& y) {
        return x.application_name == y.application_name && x.usename == y.usename &&
               x.datname == y.datname;
    });
    by_change(out.compute, [](const ComputeFacts& x) { return x.compute_hours; });
    std::stable_partition(
        out.compute.begin(), out.compute.end(), [](const Pair<ComputeFacts>& pair) {
            return !(pair.before != nullptr ? pair.before : pair.after)->application_name;
        });
}

// --- slow statements -----------------------------------------------------------------

Value a_day(double seconds, std::optional<Instant> from, Instant to) {
    if (!from || to <= *from) {
        return std::nullopt;
    }
    return seconds / (static_cast<double>(to.us - from->us) / kDayUs);
}

// Counted since the statistics began; the second time, the first one's are among them
// unless they were reset meanwhile.
SlowPair slow_pair(const Pair<SlowFacts>& pair, const Evidence& a, const Evidence& b) {
    SlowPair out;
    out.facts = pair.after != nullptr ? pair.after : pair.before;
    double total = 0;
    if (pair.before != nullptr) {
        out.calls_before = pair.before->calls;
        out.mean_before = pair.before->mean_time.value;
        out.seconds_a_day_before =
            a_day(pair.before->total_time.value, a.connections.stats_reset, a.server.now);
    }
    std::optional<Instant> from = b.connections.stats_reset;
    if (pair.after != nullptr) {
        out.calls_after = pair.after->calls;
        total = pair.after->total_time.value;
    }
    const bool goes_on = same_server(a.server, b.server) && a.server.now < b.server.now &&
                         a.connections.stats_reset == b.connections.stats_reset;
    if (goes_on) {
        from = a.server.now;
    }
    if (goes_on && pair.before != nullptr && pair.after != nullptr &&
        pair.after->calls >= pair.before->calls) {
        out.calls_after -= pair.before->calls;
        total = std::max(0.0, total - pair.before->total_time.value);
    }
    out.mean_after = out.calls_after > 0 ? total / static_cast<double>(out.calls_after) : 0;
    out.seconds_a_day_after = a_day(total, from, b.server.now);
    return out;
}

std::vector<SlowPair> slow_pairs(const Evidence& a, const Evidence& b) {
    std::vector<SlowPair> out;
    for (const auto& pair : pairs_of(a.slow, b.slow, [](const SlowFacts&x, const SlowFacts&y) {
             return x.query_id == y.query_id && x.datname == y.datname && x.usename == y.usename;
         })) {
        out.push_back(slow_pair(pair, a, b));
    }
    const auto cost = [](const SlowPair& pair) {
        return std::max(pair.mean_before * static_cast<double>(pair.calls_before),
                        pair.mean_after * static_cast<double>(pair.calls_after));
    };
    std::stable_sort(out.begin(), out.end(),
                     [&](const SlowPair& x, const SlowPair& y) { return cost(x) > cost(y); });
    return out;
}

}  // namespace

std::string verdict_of(const Change& change) {
    if (change.wish == Wish::none || !change.before || !change.after) {
        return "";
    }
    const double difference = *change.after - *change.before;
    const bool notable = change.unit == Unit::percent
                             ? std::abs(difference) >= kNotablePoints
                             : std::abs(difference) > kNotable * std::abs(*change.before);
    if (!notable) {
        return "";
    }
    return (difference < 0) == (change.wish == Wish::less) ? "better" : "worse";
}

std::string difference_text(const Change& change) {
    if (!change.before || !change.after) {
        return "";
    }
    const double difference = *change.after - *change.before;
    if (change.unit == Unit::percent) {
        return std::abs(difference) < 0.0005 ? "same"
                                             : fmt::format("{:+.1f} points", difference * 100);
    }
    if (difference == 0) {
        return "same";
    }
    if (*change.before == 0) {
        return "from none";
    }
    const double percent = difference / *change.before * 100;
    if (percent > 900) {
        return fmt::format("{} times", amount_text(*change.after / *change.before));
    }
    return std::abs(percent) < 0.5 ? "same" : fmt::format("{:+.0f} %", percent);
}

std::string value_text(const Change& change, const Value& value) {
    return change.unit == Unit::percent ? known_percent(value) : known_amount(value);
}

Comparison compare(const Evidence& before, const Evidence& after) {
    Comparison out;
    out.before = timeline_of(before);
    out.after = timeline_of(after);
    std::int64_t shared = 0;
    if (same_server(before.server, after.server) && before.server.now < after.server.now &&
        !out.before.empty()) {
        const std::size_t all = out.after.minutes.size();
        out.after = since(out.after, out.before.span().end);
        shared = static_cast<std::int64_t>(all - out.after.minutes.size());
    }
    Cautions cautions;
    say_servers(cautions, before, after);
    say_minutes(cautions, out, shared);
    out.cautions = cautions.take();
    out.changes = changes_of(Side(before, out.before), Side(after, out.after));
    pair_rows(out, before, after);
    out.slow = slow_pairs(before, after);
    return out;
}

}  // namespace leash::tool
