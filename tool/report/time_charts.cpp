#include "report/time_charts.h"

#include <algorithm>

#include <fmt/format.h>

#include "report/numbers.h"

namespace leash::tool {
namespace {

using Value = std::optional<double>;

template <auto Field>
Value peak_of(const Bucket& bucket) {
    return static_cast<double>(bucket.facts.*Field);
}

template <auto Field>
Value rate_of(const Bucket& bucket) {
    if constexpr (requires { (bucket.facts.*Field).has_value(); }) {
        const auto& sum = bucket.facts.*Field;
        return sum ? Value(per_minute(bucket, static_cast<double>(*sum))) : Value();
    } else {
        return per_minute(bucket, static_cast<double>(bucket.facts.*Field));
    }
}

// Peaks of one minute need not be of one moment: together they are at most what was used.
Value active_of(const Bucket& bucket) {
    return static_cast<double>(std::min(bucket.facts.active_peak, bucket.facts.used_peak));
}
Value idle_in_transaction_of(const Bucket& bucket) {
    const double rest = static_cast<double>(bucket.facts.used_peak) - *active_of(bucket);
    return std::min(static_cast<double>(bucket.facts.idle_in_transaction_peak), rest);
}
Value idle_of(const Bucket& bucket) {
    return static_cast<double>(bucket.facts.used_peak) - *active_of(bucket) -
           *idle_in_transaction_of(bucket);
}
Value used_mean_of(const Bucket& bucket) {
    return bucket.facts.used_mean;
}
Value hit_ratio_of(const Bucket& bucket) {
    return bucket.facts.cache_hit_ratio;
}

const Bucket& highest(const Timeline& timeline, std::int64_t MinuteFacts::*field) {
    return *std::max_element(
        timeline.minutes.begin(), timeline.minutes.end(),
        [&](const Bucket& a, const Bucket& b) { return a.facts.*field < b.facts.*field; });
}

// "At most 12 in a minute, Tue 12 May 14:05; 340 in all."
std::string sum_note(const Timeline& timeline, std::int64_t MinuteFacts::*field) {
    const Bucket& most = highest(timeline, field);
    if (most.facts.*field == 0) {
        return "None.";
    }
    return fmt::format("{} in all; at most {} in a minute, {}.",
                       count_text(timeline.total().facts.*field), count_text(most.facts.*field),
                       minute_text(most.begin));
}

// What roles can take that are no superusers.
std::int64_t ordinary_limit(const ConnectionFacts& connections) {
    return std::max<std::int64_t>(0, connections.max_connections - connections.reserved);
}

std::string limit_text(const ConnectionFacts& connections) {
    const std::string all = count_text(connections.max_connections);
    return connections.reserved > 0 ? fmt::format("{} for ordinary roles, of max_connections {}",
                                                  count_text(ordinary_limit(connections)), all)
                                    : "max_connections " + all;
}

std::string connections_note(const Evidence& evidence, const Timeline& timeline, bool beyond) {
    const Bucket& peak = timeline.peak();
    const std::int64_t limit = evidence.connections.max_connections;
    std::string note = fmt::format("At most {}", count_text(peak.facts.used_peak));
    if (limit > 0) {
        note += fmt::format(
            " of {} slots were taken ({})", count_text(limit),
            percent_text(static_cast<double>(peak.facts.used_peak) / static_cast<double>(limit)));
    } else {
        note += " slots were taken";
    }
    note += fmt::format(", {}; {} on average.", minute_text(peak.begin),
                        amount_text(timeline.total().facts.used_mean));
    if (beyond) {
        note += fmt::format(" The limit, {}, is far above this picture.",
                            limit_text(evidence.connections));
    }
    return note + " States are at their peak in each minute, idle is what remains.";
}

}  // namespace

Chart connections_chart(const Evidence& evidence, const Timeline& timeline, bool with_limit) {
    const Bucket& peak = timeline.peak();
    const auto limit = static_cast<double>(ordinary_limit(evidence.connections));
    const auto used = static_cast<double>(peak.facts.used_peak);
    const bool beyond = limit > 0 && used * 5 < limit && !with_limit;
    Chart chart;
    chart.id = "connections";
    chart.title = "Connections against the limit";
    chart.unit = "slots taken";
    chart.drawn = "the highest";
    chart.note = connections_note(evidence, timeline, beyond);
    chart.shape = Shape::stacked;
    chart.series = {{"active", "active", active_of},
                    {"idle in transaction", "in-transaction", idle_in_transaction_of},
                    {"idle", "idle", idle_of}};
    chart.more_columns = {{"slots taken", "", peak_of<&MinuteFacts::used_peak>},
                          {"on average", "", used_mean_of},
                          {"in use", "", peak_of<&MinuteFacts::in_use_peak>},
                          {"opened a minute", "", rate_of<&MinuteFacts::opened>}};
    chart.mark = Mark{peak.begin, used, fmt::format("peak {}", count_text(peak.facts.used_peak))};
    if (limit > 0 && !beyond) {
        chart.limit = limit;
        chart.limit_name = limit_text(evidence.connections);
        chart.top = std::max(limit, used) * 1.1;
    }
    return chart;
}

Chart leaks_chart(const Timeline& timeline) {
    const Bucket& most = highest(timeline, &MinuteFacts::leaked);
    Chart chart;
    chart.id = "leaked";
    chart.title = "Leaked sessions";
    chart.unit = "at one time";
    chart.drawn = "the highest";
    chart.note = most.facts.leaked == 0
                     ? std::string("None.")
                     : fmt::format("At most {}, {}.", count_text(most.facts.leaked),
                                   minute_text(most.begin));
    chart.shape = Shape::columns;
    chart.series = {{"leaked", "leaked", peak_of<&MinuteFacts::leaked>}};
    chart.more_columns = {{"reaped a minute", "", rate_of<&MinuteFacts::reaped>}};
    return chart;
}

Chart reaps_chart(const Timeline& timeline) {
    Chart chart;
    chart.id = "reaped";
    chart.title = "Sessions reaped";
    chart.unit = "per minute";
    chart.drawn = "the average";
    chart.note = sum_note(timeline, &MinuteFacts::reaped);
    chart.shape = Shape::columns;
    chart.series = {{"reaped", "reaped", rate_of<&MinuteFacts::reaped>}};
    return chart;
}

Chart refusals_chart(const Timeline& timeline) {
    Chart chart;
    chart.id = "refused";
    chart.title = "Connections refused for lack of a slot";
    chart.unit = "per minute";
    chart.drawn = "the average";
    chart.note = sum_note(timeline, &MinuteFacts::refused);
    chart.shape = Shape::columns;
    chart.series = {{"refused", "leaked", rate_of<&MinuteFacts::refused>}};
    chart.more_columns = {{"opened", "", rate_of<&MinuteFacts::opened>}};
    return chart;
}

Chart cache_chart(const Timeline& timeline) {
    const Bucket total = timeline.total();
    double lowest = 1;
    for (const Bucket& bucket : buckets_of(timeline, 60)) {
        lowest = std::min(lowest, bucket.facts.cache_hit_ratio.value_or(1));
    }
    Chart chart;
    chart.id = "cache";
    chart.title = "Cache hit ratio";
    chart.unit = "of blocks asked for";
    chart.drawn = "those";
    chart.note = total.facts.cache_hit_ratio
                     ? fmt::format("{} in all; {} in the worst hour.",
                                   percent_text(*total.facts.cache_hit_ratio), percent_text(lowest))
                     : std::string("No block was asked for.");
    chart.series = {{"found in shared buffers", "active", hit_ratio_of}};
    chart.percent = true;
    chart.bottom = lowest > 0.92 ? 0.9 : 0;
    if (chart.bottom > 0) {
        chart.note += " The axis begins at 90 %.";
    }
    chart.top = 1.0;
    return chart;
}

Chart rows_chart(const Timeline& timeline) {
    const Bucket total = timeline.total();
    Chart chart;
    chart.id = "rows";
    chart.title = "Rows read and written";
    chart.unit = "per minute";
    chart.drawn = "the average";
    chart.note =
        fmt::format("{} read and {} written in all. Read is what scans went through, kept or not.",
                    amount_text(static_cast<double>(total.facts.rows_read.value_or(0))),
                    amount_text(static_cast<double>(total.facts.rows_written.value_or(0))));
    chart.series = {{"read", "active", rate_of<&MinuteFacts::rows_read>},
                    {"written", "written", rate_of<&MinuteFacts::rows_written>}};
    return chart;
}

Chart slow_chart(const Timeline& timeline) {
    Chart chart;
    chart.id = "slow";
    chart.title = "Slow statements";
    chart.unit = "per minute";
    chart.drawn = "the average";
    chart.note = sum_note(timeline, &MinuteFacts::slow);
    chart.shape = Shape::columns;
    chart.series = {{"slow", "in-transaction", rate_of<&MinuteFacts::slow>}};
    chart.more_columns = {{"all statements", "", rate_of<&MinuteFacts::statements>},
                          {"busy seconds", "", rate_of<&MinuteFacts::busy_seconds>}};
    return chart;
}

void align(Chart& before, const Timeline& before_minutes, Chart& after,
           const Timeline& after_minutes) {
    before.id += "-before";
    after.id += "-after";
    before.bottom = after.bottom = std::min(before.bottom, after.bottom);
    double top = std::max(before.top.value_or(before.bottom), after.top.value_or(after.bottom));
    for (const auto& [chart, minutes] :
         {std::pair(&before, &before_minutes), std::pair(&after, &after_minutes)}) {
        for (const Bucket& minute : minutes->minutes) {
            for (const Value& level : levels_of(*chart, minute)) {
                top = std::max(top, level.value_or(0) * (chart->percent ? 1 : 1.08));
            }
        }
    }
    before.top = after.top = top > before.bottom ? top : before.bottom + 1;
}

}  // namespace leash::tool
