#include "report_samples.h"

#include <algorithm>
#include <cmath>

#include "failure.h"

namespace leash::tool {
namespace {

constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr int kDay = 24 * 60;
constexpr int kWeek = 7 * kDay;

// Tuesday, 12 May 2026, 09:00 UTC: the weeks end then.
constexpr std::int64_t kNow = 1'778'576'400'000'000;

// The same numbers on every machine.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    double next() {  // 0 to 1
        state_ = state_ * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
        return static_cast<double>(state_ >> 40) / static_cast<double>(1 << 24);
    }
    double around(double mean, double share) { return mean * (1 + share * (next() * 2 - 1)); }

private:
    std::uint64_t state_;
};

std::int64_t whole(double value) {
    return std::max<std::int64_t>(0, std::llround(value));
}

// How much of the day's most is going on: little at night, less at weekends.
double traffic(int minute_of_week) {
    const int begin_hour = 9;
    const int at = minute_of_week + begin_hour * 60;
    const double hour = (at % kDay) / 60.0;
    const int day = (1 + at / kDay) % 7;  // Tuesday is 1
    const double sun = std::max(0.0, std::sin((hour - 5.5) / 17.5 * 3.14159265));
    const double evening = std::exp(-std::pow((hour - 20.0) / 1.6, 2)) * 0.35;
    return (0.06 + 0.75 * sun + evening) * (day >= 5 ? 0.72 : 1.0);
}

struct Shop {
    std::uint64_t seed;
    std::int64_t end_us;
    double pool_sessions;  // held by pools at rest
    double hit_ratio;
    bool leaks;
};

int leaked_at(const Shop& shop, int minute) {
    const int deployed = 3 * kDay + 5 * 60;  // Friday, 14:00
    const int policy = 6 * kDay + 15 * 60;   // the night to Tuesday
    if (!shop.leaks || minute < deployed) {
        return 0;
    }
    const double growth = (minute - deployed) / static_cast<double>(policy - deployed);
    return minute < policy ? static_cast<int>(118 * std::pow(growth, 0.8)) : 3;
}

MinuteFacts minute_of_shop(const Shop& shop, int minute, Dice& dice) {
    const double load = traffic(minute);
    const bool nightly = (minute + 9 * 60) % kDay < 50;  // a report after midnight
    const int leaked = leaked_at(shop, minute);
    MinuteFacts facts;
    facts.minute.us = shop.end_us + (minute - kWeek) * kMinuteUs;
    facts.active_peak = whole(dice.around(3 + 24 * load + (nightly ? 9 : 0), 0.25));
    facts.idle_in_transaction_peak = whole(dice.around(1 + 7 * load, 0.5)) + leaked;
    const double wanted = shop.pool_sessions + static_cast<double>(facts.active_peak) * 0.6 +
                          static_cast<double>(facts.idle_in_transaction_peak) + 14 * load;
    facts.used_peak = std::min<std::int64_t>(197, whole(dice.around(wanted, 0.03)));
    facts.used_mean = static_cast<double>(facts.used_peak) * 0.96;
    facts.in_use_peak = facts.active_peak + facts.idle_in_transaction_peak - leaked;
    facts.opened = whole(dice.around(4 + 30 * load, 0.6));
    facts.refused = wanted > 197 ? whole(dice.around(wanted - 195, 0.7)) : 0;
    facts.leaked = leaked;
    const int before = minute > 0 ? leaked_at(shop, minute - 1) : 0;
    facts.reaped = std::max(0, before - leaked);
    facts.statements = whole(dice.around(900 + 61'000 * load, 0.15));
    facts.slow = whole(dice.around((shop.leaks ? 6 : 0.8) * load + (nightly ? 5 : 0), 0.8));
    const double ratio =
        std::clamp(dice.around(shop.hit_ratio - (nightly ? 0.3 : 0), 0.02), 0.0, 0.9999);
    const double blocks = static_cast<double>(facts.statements) * 14 + 1;
    facts.blks_hit = whole(blocks * ratio);
    facts.blks_read = whole(blocks * (1 - ratio));
    facts.cache_hit_ratio = ratio;
    facts.rows_read =
        whole(static_cast<double>(facts.statements) * dice.around(nightly ? 310 : 41, 0.3));
    facts.rows_written = whole(static_cast<double>(facts.statements) * dice.around(1.3, 0.3));
    facts.busy_seconds = static_cast<double>(facts.active_peak) * 21;
    return facts;
}

// The server was down on Sunday morning for half an hour.
std::vector<MinuteFacts> week_of(const Shop& shop) {
    const int down = 5 * kDay - 5 * 60 - 50;
    std::vector<MinuteFacts> minutes;
    Dice dice(shop.seed);
    for (int minute = 0; minute < kWeek; ++minute) {
        const MinuteFacts facts = minute_of_shop(shop, minute, dice);
        if (!shop.leaks || minute < down || minute >= down + 34) {
            minutes.push_back(facts);
        }
    }
    return minutes;
}

ServerFacts server_at(std::int64_t now_us) {
    ServerFacts server;
    server.host = "db1.shop.example";
    server.port = "5432";
    server.database = "shop";
    server.version = "15.20";
    server.version_number = 150'020;
    server.extension_version = "1.0";
    server.now.us = now_us;
    server.started_at.us = now_us - 23LL * kDay * kMinuteUs;
    return server;
}

ApplicationFacts application(const std::string& name, std::int64_t sessions, std::int64_t peak,
                             std::int64_t needed, double mean) {
    ApplicationFacts facts;
    facts.application_name = name;
    facts.usename = name == "psql" ? "ana" : "shop";
    facts.datname = "shop";
    facts.sessions = sessions;
    facts.sessions_peak = peak;
    facts.in_use_p999 = needed;
    facts.in_use_peak = needed + 1;
    facts.in_use_mean = mean;
    facts.utilization = sessions > 0 ? mean / static_cast<double>(sessions) : 0;
    facts.statements = whole(mean * 9'400'000);
    facts.statement_p95 = Seconds{0.0042 + mean * 0.0011};
    facts.leaked = 0;
    facts.reaped = 0;
    facts.addresses = 2;
    return facts;
}

SlowFacts slow(const std::string& query, const std::string& name, std::int64_t calls, double mean,
               std::int64_t id, std::int64_t now_us) {
    SlowFacts facts;
    facts.query_id.value = id;
    facts.query = query;
    facts.datname = "shop";
    facts.usename = "shop";
    facts.application_name = name;
    facts.calls = calls;
    facts.mean_time.value = mean;
    facts.total_time.value = mean * static_cast<double>(calls);
    facts.max_time.value = mean * 4.6;
    facts.client_wait = Seconds{mean * 0.02};
    facts.rows = calls * 12;
    facts.last_seen = Instant{now_us - (id % 97) * kMinuteUs};
    return facts;
}

ComputeFacts compute(std::optional<std::string> name, double hours, double alone) {
    ComputeFacts facts;
    if (name) {
        facts.usename = "shop";
        facts.datname = "shop";
    }
    facts.application_name = std::move(name);
    facts.active_minutes = whole(hours * 42);
    facts.compute_hours = hours;
    facts.alone_hours = alone;
    return facts;
}

CheckFacts check(const std::string& name, const std::string& status, const std::string& message) {
    CheckFacts facts;
    facts.check = name;
    facts.status = status;
    facts.message = message;
    return facts;
}

CauseFacts cause(const std::string& kind, const std::string& name, std::int64_t sessions,
                 double oldest, const std::string& weight, const std::string& opener) {
    CauseFacts facts;
    facts.kind = kind;
    facts.application_name = name;
    facts.usename = "shop";
    facts.datname = "shop";
    facts.sessions = sessions;
    facts.oldest.value = oldest;
    facts.weight = weight;
    facts.opener = opener;
    return facts;
}

ReapFacts reap(const std::string& policy, const std::string& name, const std::string& outcome,
               std::int64_t decisions, std::int64_t at_us) {
    ReapFacts facts;
    facts.policy = policy;
    facts.mode = outcome == "would" ? "observe" : "enforce";
    facts.action = "terminate";
    facts.application_name = name;
    facts.outcome = outcome;
    facts.decisions = decisions;
    facts.last_at.us = at_us;
    return facts;
}

ConnectionFacts connections_of(const Evidence& evidence) {
    ConnectionFacts facts;
    facts.max_connections = 200;
    facts.reserved = 3;
    facts.used = evidence.history.back().used_peak;
    facts.free = 197 - facts.used;
    facts.active = evidence.history.back().active_peak;
    facts.refused_total = 0;
    for (const MinuteFacts& minute : evidence.history) {
        facts.refused_total = *facts.refused_total + minute.refused;
    }
    facts.refused_too_many_clients = facts.refused_total;
    facts.stats_reset = Instant{evidence.server.started_at.us};
    return facts;
}

void add_trouble(Evidence& e) {
    const std::int64_t now = e.server.now.us;
    e.checks = {
        check("connections", "warning",
              "71 of 197 slots that are not reserved are taken; 197 were on Monday"),
        check("leaks", "critical", "3 leaked sessions block 4 others"),
        check("cache hit ratio", "warning", "71 % of the blocks asked for were in shared buffers"),
        check("worker", "ok", "the worker looked 0.4 s ago")};
    e.causes = {cause("idle in transaction", "checkout", 3, 4'512, "blocks others",
                      "UPDATE carts SET status = ?, paid_at = now() WHERE id = $1"),
                cause("abandoned", "node-worker", 14, 91'200, "holds a slot", "")};
    e.causes[0].blocked_sessions = 4;
    e.causes[0].route = "/cart/pay";
    e.causes[0].growth_per_hour = 1.6;
    e.causes[0].exhausted_in = Seconds{284'000};
    e.applications = {
        application("shop-api", 44, 62, 11, 3.1),    application("node-worker", 22, 40, 4, 0.7),
        application("checkout", 18, 131, 6, 1.2),    application("metabase", 9, 10, 3, 0.2),
        application("nightly-report", 0, 9, 9, 0.3), application("psql", 2, 3, 1, 0.01)};
    e.applications[2].leaked = 161;
    e.applications[2].reaped = 115;
    e.applications[1].leaked = 14;
    e.slow = {slow("SELECT o.*, c.name FROM orders o JOIN customers c ON c.id = o.customer WHERE "
                   "o.status = ? ORDER BY "
                   "o.created_at DESC LIMIT ?",
                   "shop-api", 18'402, 1.71, 412, now),
              slow("SELECT product, sum(total) FROM order_lines WHERE created_at > now() - "
                   "interval ? GROUP BY product",
                   "metabase", 912, 9.4, 8'801, now),
              slow("UPDATE stock SET reserved = reserved + ? WHERE sku = ?", "checkout", 2'208, 1.3,
                   77, now),
              slow("COPY order_lines TO STDOUT", "nightly-report", 7, 214, 5, now)};
    IndexFacts index;
    index.datname = "shop";
    index.table = "public.orders";
    index.columns = "status";
    index.slow_statements = 18'402;
    index.rows_scanned = 2'214'000;
    index.rows_kept = 41;
    index.total_time.value = 31'467;
    index.last_seen.us = now;
    e.indexes = {index};
    OrphanFacts orphan;
    orphan.kind = "prepared transaction";
    orphan.name = "pay_20260508_1142";
    orphan.since = Instant{now - 4LL * kDay * kMinuteUs};
    orphan.holds = "locks, xmin";
    e.orphans = {orphan};
    e.compute = {compute(std::nullopt, 168, 0),   compute("node-worker", 166.4, 52.1),
                 compute("shop-api", 108.3, 1.2), compute("checkout", 61.0, 0),
                 compute("metabase", 24.9, 0.4),  compute("nightly-report", 6.2, 0)};
    e.reaps = {
        reap("checkout left open", "checkout", "ended", 115, now - 9LL * 60 * kMinuteUs),
        reap("checkout left open", "checkout", "spared: woke up", 4, now - 9LL * 60 * kMinuteUs),
        reap("abandoned", "node-worker", "would", 14, now - 2 * kMinuteUs)};
}

void add_mended(Evidence& e) {
    const std::int64_t now = e.server.now.us;
    e.checks = {check("connections", "ok", "31 of 197 slots that are not reserved are taken"),
                check("leaks", "ok", "no leak"),
                check("worker", "ok", "the worker looked 0.2 s ago")};
    e.applications = {application("shop-api", 14, 16, 11, 3.0),
                      application("node-worker", 5, 6, 4, 0.7),
                      application("checkout", 8, 9, 6, 1.2), application("metabase", 3, 4, 3, 0.2),
                      application("psql", 1, 2, 1, 0.01)};
    e.slow = {slow("SELECT product, sum(total) FROM order_lines WHERE created_at > now() - "
                   "interval ? GROUP BY product",
                   "metabase", 230, 3.2, 8'801, now),
              slow("COPY order_lines TO STDOUT", "nightly-report", 7, 190, 5, now)};
    e.compute = {compute(std::nullopt, 117, 0), compute("shop-api", 108.0, 51.0),
                 compute("node-worker", 31.5, 2.1), compute("checkout", 60.2, 0),
                 compute("metabase", 22.0, 0.4)};
    e.reaps = {reap("checkout left open", "checkout", "ended", 1, now - 60LL * 60 * kMinuteUs)};
}

// What a browser, a parser of JSON or a reader of HTML might fall for.
std::string hostile(int n) {
    const char* const attempts[] = {
        "<script>document.title='hostile-marker'</script>",
        "</script><script>document.title='hostile-marker'</script>",
        ("\"><img src=\"http://127.0.0.1:9/hostile-marker\" "
         "onerror=\"document.title='hostile-marker'\">"),
        "' onmouseover='document.title=1' x='hostile-marker",
        "<!--<script>hostile-marker",
        "</style><style>@import url(http://127.0.0.1:9/hostile-marker)</style>",
        "</title><svg onload=document.title='hostile-marker'>",
        "a\nb\r\nc\td \x1b[2J\x1b]0;hostile-marker\x07 \u202egnp.exe\u202c",
        "]]>&lt;b&gt;&#60;script&#62;hostile-marker",
        "`${document.title='hostile-marker'}` {{hostile-marker}} \\u003cscript\\u003e \xff\xfe",
        "javascript:document.title='hostile-marker'",
    };
    return attempts[static_cast<std::size_t>(n) % std::size(attempts)];
}

}  // namespace

Evidence shop_in_trouble() {
    Evidence evidence;
    evidence.server = server_at(kNow);
    evidence.history = week_of({1, kNow, 52, 0.71, true});
    evidence.connections = connections_of(evidence);
    add_trouble(evidence);
    return evidence;
}

Evidence shop_mended() {
    const std::int64_t now = kNow + std::int64_t{kWeek} * kMinuteUs;
    Evidence evidence;
    evidence.server = server_at(now);
    evidence.history = week_of({2, now, 16, 0.975, false});
    evidence.connections = connections_of(evidence);
    add_mended(evidence);
    return evidence;
}

Evidence empty_server() {
    Evidence evidence;
    evidence.server = server_at(kNow);
    evidence.connections.max_connections = 100;
    evidence.connections.used = 1;
    return evidence;
}

Evidence hostile_server() {
    Evidence e = shop_in_trouble();
    int n = 0;
    const auto spoil = [&]<class T>(T& facts) {
        T::fields(facts, [&]<class Field>(const char*, Field& value) {
            if constexpr (std::is_same_v<Field, std::string> ||
                          std::is_same_v<Field, std::optional<std::string>>) {
                value = hostile(n++);
            }
        });
    };
    const auto spoil_all = [&](auto& list) {
        // Each attempt in each column.
        const auto one =
            list.empty() ? typename std::decay_t<decltype(list)>::value_type() : list.front();
        list.assign(11, one);
        for (auto& facts : list) {
            spoil(facts);
            ++n;
        }
    };
    spoil(e.server);
    spoil_all(e.checks);
    spoil_all(e.causes);
    spoil_all(e.applications);
    spoil_all(e.slow);
    spoil_all(e.indexes);
    spoil_all(e.orphans);
    spoil_all(e.refusals);
    spoil_all(e.compute);
    spoil_all(e.reaps);
    return e;
}

Evidence sample_named(const std::string& name) {
    Evidence evidence = shop_in_trouble();
    std::vector<MinuteFacts>& history = evidence.history;
    if (name == "trouble") {
        return evidence;
    }
    if (name == "mended") {
        return shop_mended();
    }
    if (name == "empty") {
        return empty_server();
    }
    if (name == "hostile") {
        return hostile_server();
    }
    if (name == "minute") {
        history.erase(history.begin(), history.end() - 1);
    } else if (name == "gaps") {
        // Down for a day and a half, and for every third hour of the last day.
        std::erase_if(history, [&](const MinuteFacts& facts) {
            const std::int64_t age = (evidence.server.now.us - facts.minute.us) / kMinuteUs;
            return (age > 3 * kDay && age < 3 * kDay + 2'200) || (age < kDay && age / 60 % 3 == 1);
        });
    } else if (name == "clock") {
        // Set back by 40 minutes on one day, and for a while into the next century.
        for (std::size_t i = 4'000; i < history.size(); ++i) {
            history[i].minute.us -= 40 * kMinuteUs;
        }
        for (std::size_t i = 6'000; i < 6'030; ++i) {
            history[i].minute.us += 90LL * 365 * kDay * kMinuteUs;
        }
    } else {
        throw Failure("no such sample: " + name);
    }
    return evidence;
}

}  // namespace leash::tool
