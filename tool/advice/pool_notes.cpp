#include "advice/pool_notes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/queueing.h"
#include "render/table.h"

namespace leash::tool {
namespace {

constexpr double kDay = 86'400;
constexpr double kWeek = 7 * kDay;
constexpr std::int64_t kFewStatements = 1'000;
// Below, a pool is oversized; it holds at least so many sessions.
constexpr double kIdlePool = 0.05;
constexpr std::int64_t kManySessions = 4;
// More than one connection a second, each for less than one: there is no pool.
constexpr double kOpensPerSecond = 1;
constexpr double kShortLife = 1;

double per_second(std::int64_t count, const PoolAdvice& advice) {
    return advice.counted_for.value > 0 ? static_cast<double>(count) / advice.counted_for.value : 0;
}

// Sessions that leaked, are gone, and were not ended by a policy: nobody knows for how
// long they were in use.
std::int64_t leaks_unseen(const ApplicationFacts& facts, const Evidence& evidence) {
    std::int64_t known = facts.reaped.value_or(0);
    for (const CauseFacts& cause : evidence.causes) {
        const bool own = cause.leaked && cause.application_name == facts.application_name &&
                         cause.usename == facts.usename && cause.datname == facts.datname;
        known += own ? cause.sessions : 0;
    }
    return std::max<std::int64_t>(facts.leaked.value_or(0) - known, 0);
}

// Of the time that L is made of, what was spent idle in transaction.
double idle_share(const PoolAdvice& advice, const ApplicationFacts& facts) {
    const double in_use = advice.level * advice.counted_for.value;
    const double leaked = advice.leaked_level * advice.counted_for.value;
    const double idle = facts.idle_in_transaction_time.value_or(Seconds{}).value - leaked;
    return in_use > 0 ? std::clamp(idle / in_use, 0.0, 1.0) : 0;
}

// All connections that there were, for a share of the time that a p99.9 sees.
bool was_exhausted(const PoolAdvice& advice) {
    const std::int64_t peak = advice.sessions_peak.value_or(0);
    return peak > 1 && advice.p999 >= peak;
}

bool has_no_pool(const PoolAdvice& advice, const ApplicationFacts& facts) {
    return facts.mean_lifetime && facts.mean_lifetime->value < kShortLife &&
           per_second(facts.ended.value_or(0), advice) > kOpensPerSecond;
}

std::int64_t slots_kept(const PoolAdvice& advice) {
    return advice.per_instance * advice.instances;
}

class Notes {
public:
    Notes(PoolAdvice& advice, const ApplicationFacts& facts) : advice_(advice), facts_(facts) {}

    void leaks() {
        if (advice_.leaked_level > 0) {
            add("L is without leaked sessions, which held {:.2f} of the mean of {:.2f}: those "
                "leaked now ({}) and those that policies ended",
                advice_.leaked_level, advice_.in_use_mean.value_or(0), facts_.leaked_in_use);
        }
        const std::int64_t left = facts_.leaked_in_use - std::llround(advice_.leaked_level);
        if (left > 0 && advice_.p999 > 0) {
            add("the p99.9 may contain {}, which have not been leaked for most of the time: end "
                "them, and look again when more was measured without them",
                counted(left, "leaked session"));
        }
    }

    void pool() {
        if (has_no_pool(advice_, facts_)) {
            add("it opens {:.1f} connections a second that live for {} in the mean: it has no "
                "pool, or a new one for each request; that costs more than any size",
                per_second(facts_.ended.value_or(0), advice_),
                duration_text(*facts_.mean_lifetime));
        } else if (advice_.sessions >= kManySessions && advice_.sessions > slots_kept(advice_) &&
                   advice_.level < kIdlePool * static_cast<double>(advice_.sessions)) {
            add("it holds {} for a mean of {:.2f} in use ({:.1f} %): a pool of this size frees {}",
                counted(advice_.sessions, "session"), advice_.level,
                100 * advice_.level / static_cast<double>(advice_.sessions),
                counted(advice_.sessions - slots_kept(advice_), "slot"));
        }
        if (was_exhausted(advice_)) {
            add("all its {} connections were in use at times: requests may have waited in the "
                "client, which cannot be seen from here; measure again after the change",
                *advice_.sessions_peak);
        }
        if (const std::int64_t peak = advice_.in_use_peak.value_or(0);
            peak > advice_.with_headroom) {
            add("once {} were in use at one time, for less than 0.1 % of it: in such a moment "
                "requests will wait in the pool",
                peak);
        }
    }

    void instances(const PoolOptions& options) {
        if (!options.instances && advice_.addresses == 0) {
            add("its sessions tell no address now: taken for one instance; give --instances");
        }
        if (advice_.per_instance == 1) {
            add("a pool of 1 waits for itself for ever when a request takes a second connection "
                "while it holds one");
        }
        if (advice_.capped && advice_.level / static_cast<double>(advice_.instances) >=
                                  static_cast<double>(advice_.per_instance)) {
            add("capped below its load: it cannot work like that, put PgBouncer in between");
        }
    }

private:
    template <class... Values>
    void add(fmt::format_string<Values...> text, Values&&... values) {
        advice_.notes.push_back(fmt::format(text, std::forward<Values>(values)...));
    }

    PoolAdvice& advice_;
    const ApplicationFacts& facts_;
};

}  // namespace

std::string counted(std::int64_t count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string duration_text(Seconds seconds) {
    return duration_words(fmt::format("{:.6f}", seconds.value));
}

std::string about_text(Seconds seconds) {
    for (const double unit : {kDay, 3600.0, 60.0}) {
        if (seconds.value >= unit) {
            return duration_text(Seconds{std::floor(seconds.value / unit) * unit});
        }
    }
    return duration_text(Seconds{std::floor(seconds.value)});
}

void judge_confidence(PoolAdvice& advice, const ApplicationFacts& facts, const Evidence& evidence) {
    advice.confidence = Confidence::kHigh;
    const auto lower = [&](Confidence confidence, const std::string& reason) {
        advice.confidence = std::min(advice.confidence, confidence);
        advice.confidence_reason += (advice.confidence_reason.empty() ? "" : "; ") + reason;
    };
    const std::string data = about_text(advice.known_for) + " of data";
    if (!advice.measured) {
        lower(Confidence::kNone, "not measured: that needs the extension");
        return;
    }
    if (advice.collecting) {
        lower(advice.advised() ? Confidence::kLow : Confidence::kNone,
              "collecting: " + data + ", an hour is the least");
    } else if (advice.known_for.value < kDay) {
        lower(Confidence::kLow, data + ", less than a day");
    } else if (advice.known_for.value < kWeek) {
        lower(Confidence::kMedium, data + ", less than a week");
    } else {
        advice.confidence_reason = data;
    }
    if (!advice.advised()) {
        return;
    }
    if (const std::int64_t statements = advice.statements.value_or(0);
        statements < kFewStatements) {
        lower(Confidence::kLow, counted(statements, "statement") + " only");
    }
    if (advice.leaked_level > advice.level) {
        lower(Confidence::kLow, "leaked sessions held more than the work did");
    }
    if (const std::int64_t unseen = leaks_unseen(facts, evidence);
        unseen > 0 && idle_share(advice, facts) >= 0.5) {
        lower(Confidence::kLow,
              fmt::format("{} went unmeasured, and {:.0f} % of L was idle in transaction",
                          counted(unseen, "earlier leak"), 100 * idle_share(advice, facts)));
    }
    if (was_exhausted(advice)) {
        lower(Confidence::kMedium, "the pool was exhausted at times");
    }
}

void note_pool(PoolAdvice& advice, const ApplicationFacts& facts, const PoolOptions& options) {
    if (!advice.advised()) {
        return;
    }
    Notes notes(advice, facts);
    notes.leaks();
    notes.pool();
    notes.instances(options);
}

void note_plan(PoolPlan& plan, const PoolOptions& options) {
    if (!plan.any_advised()) {
        return;
    }
    if (plan.over) {
        plan.notes.push_back(fmt::format(
            "the pools ask for {}{}, and there are {} to share: each is cut to its part. Put "
            "PgBouncer in transaction mode in between: then {} to the server do the same work, "
            "whatever the number of instances{}",
            counted(plan.wanted, "connection"), options.rolling ? " in a rolling deploy" : "",
            plan.limit, counted(plan.pooler, "connection"),
            plan.pooler > plan.limit ? ", which is still too many: requests will queue in it"
                                     : ""));
    }
    const auto is_shared = [](const PoolAdvice& pool) {
        return pool.advised() && pool.addresses > 0;
    };
    if (!options.instances && std::any_of(plan.pools.begin(), plan.pools.end(), is_shared)) {
        plan.notes.push_back(
            "instances are the addresses that an application's sessions come from now; give "
            "--instances where that is a pooler, NAT or several processes of one machine");
    }
    if (plan.over && plan.connections > plan.limit) {
        plan.notes.push_back(
            fmt::format("the least that each instance can do with makes {} already, more than the "
                        "{} there are: without a pooler some will be refused",
                        plan.connections, plan.limit));
    }
    if (plan.parallelism && plan.busy > *plan.parallelism) {
        plan.notes.push_back(fmt::format(
            "at busy times {} ran at once, and {} can carry {} (two each): more connections make "
            "each slower; leave the pools at this size and let requests queue in them",
            counted(plan.busy, "statement"), counted(*plan.parallelism / 2, "core"),
            *plan.parallelism));
    }
}

}  // namespace leash::tool
