#include "report/timeline.h"

#include <algorithm>

namespace leash::tool {
namespace {

std::int64_t floor_div(std::int64_t number, std::int64_t by) {
    return number / by - (number % by < 0 ? 1 : 0);
}

template <class T>
void sum(std::optional<T>& into, const std::optional<T>& value) {
    if (value) {
        into = into.value_or(0) + *value;
    }
}

// The ratio of several minutes is that of their blocks, where these are known.
std::optional<double> ratio_of(const MinuteFacts& a, std::int64_t a_minutes, const MinuteFacts& b) {
    if (a.blks_hit && a.blks_read && *a.blks_hit + *a.blks_read > 0) {
        return static_cast<double>(*a.blks_hit) / static_cast<double>(*a.blks_hit + *a.blks_read);
    }
    if (!a.cache_hit_ratio || !b.cache_hit_ratio) {
        return a.cache_hit_ratio ? a.cache_hit_ratio : b.cache_hit_ratio;
    }
    const auto weight = static_cast<double>(a_minutes);
    return (*a.cache_hit_ratio * weight + *b.cache_hit_ratio) / (weight + 1);
}

void find_gaps(Timeline& timeline) {
    for (std::size_t i = 1; i < timeline.minutes.size(); ++i) {
        const std::int64_t end = timeline.minutes[i - 1].end();
        if (const std::int64_t begin = timeline.minutes[i].begin; begin > end) {
            timeline.gaps.push_back({end, begin});
        }
    }
}

}  // namespace

void Bucket::add(const MinuteFacts& minute) {
    MinuteFacts& f = facts;
    f.minute.us = begin * kMinuteUs;
    f.used_peak = std::max(f.used_peak, minute.used_peak);
    f.used_mean = (f.used_mean * static_cast<double>(known) + minute.used_mean) /
                  static_cast<double>(known + 1);
    f.active_peak = std::max(f.active_peak, minute.active_peak);
    f.idle_in_transaction_peak =
        std::max(f.idle_in_transaction_peak, minute.idle_in_transaction_peak);
    f.in_use_peak = std::max(f.in_use_peak, minute.in_use_peak);
    f.opened += minute.opened;
    f.refused += minute.refused;
    f.leaked = std::max(f.leaked, minute.leaked);
    f.reaped += minute.reaped;
    f.statements += minute.statements;
    f.slow += minute.slow;
    sum(f.blks_hit, minute.blks_hit);
    sum(f.blks_read, minute.blks_read);
    sum(f.rows_read, minute.rows_read);
    sum(f.rows_written, minute.rows_written);
    f.cache_hit_ratio = ratio_of(f, known, minute);
    f.busy_seconds += minute.busy_seconds;
    ++known;
}

Span Timeline::span() const {
    return empty() ? Span{} : Span{minutes.front().begin, minutes.back().end()};
}

Bucket Timeline::total() const {
    Bucket bucket;
    bucket.begin = span().begin;
    bucket.minutes = span().minutes();
    for (const Bucket& minute : minutes) {
        bucket.add(minute.facts);
    }
    return bucket;
}

const Bucket& Timeline::peak() const {
    return *std::max_element(minutes.begin(), minutes.end(), [](const Bucket& a, const Bucket& b) {
        return a.facts.used_peak < b.facts.used_peak;
    });
}

Timeline timeline_of(const Evidence& evidence) {
    Timeline timeline;
    std::vector<MinuteFacts> rows = evidence.history;
    for (std::size_t i = 1; i < rows.size(); ++i) {
        timeline.out_of_order += rows[i].minute < rows[i - 1].minute ? 1 : 0;
    }
    std::stable_sort(rows.begin(), rows.end(), [](const MinuteFacts& a, const MinuteFacts& b) {
        return a.minute < b.minute;
    });
    const Instant now = evidence.server.now;
    for (const MinuteFacts& row : rows) {
        if (is_ahead(row.minute, now)) {
            ++timeline.ahead;
        } else if (is_earlier(row.minute, now)) {
            ++timeline.earlier;
        } else {
            const std::int64_t minute = minute_of(row.minute);
            const bool again = !timeline.minutes.empty() && timeline.minutes.back().begin == minute;
            if (!again) {
                timeline.minutes.emplace_back().begin = minute;
            }
            timeline.merged += again ? 1 : 0;
            timeline.minutes.back().add(row);
        }
    }
    find_gaps(timeline);
    return timeline;
}

Timeline since(const Timeline& timeline, std::int64_t begin) {
    Timeline later;
    for (const Bucket& minute : timeline.minutes) {
        if (minute.begin >= begin) {
            later.minutes.push_back(minute);
        }
    }
    find_gaps(later);
    return later;
}

std::vector<Bucket> buckets_of(const Timeline& timeline, std::int64_t width) {
    std::vector<Bucket> buckets;
    for (const Bucket& minute : timeline.minutes) {
        const std::int64_t begin = floor_div(minute.begin, width) * width;
        if (buckets.empty() || buckets.back().begin != begin) {
            Bucket& bucket = buckets.emplace_back();
            bucket.begin = begin;
            bucket.minutes = width;
        }
        buckets.back().add(minute.facts);
    }
    return buckets;
}

std::int64_t bucket_width(const Timeline& timeline, std::int64_t count) {
    for (const std::int64_t width : {1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 360, 720}) {
        // One more, since the first and the last may be cut.
        if (timeline.span().minutes() / width + 2 <= count || width == 720) {
            return width;
        }
    }
    return 1;
}

}  // namespace leash::tool
