// The minutes of leash.history, put in order: one row a minute, gaps known.
#pragma once

#include <cstdint>
#include <vector>

#include "evidence/evidence.h"
#include "evidence/history.h"

namespace leash::tool {

/// Some minutes taken together: peaks are the highest, counts are summed.
struct Bucket {
    std::int64_t begin = 0;    ///< minutes since 1970
    std::int64_t minutes = 1;  ///< how long it is
    std::int64_t known = 0;    ///< of them, those that history has
    MinuteFacts facts;

    std::int64_t end() const { return begin + minutes; }
    void add(const MinuteFacts& minute);
};

struct Span {
    std::int64_t begin = 0;
    std::int64_t end = 0;  ///< exclusive

    std::int64_t minutes() const { return end - begin; }
    bool operator==(const Span&) const = default;
};

struct Timeline {
    std::vector<Bucket> minutes;  ///< ascending, each of one minute
    std::vector<Span> gaps;       ///< between two of them
    std::int64_t out_of_order = 0;
    std::int64_t merged = 0;   ///< came twice: the clock was set back
    std::int64_t ahead = 0;    ///< left out: later than the server's own clock
    std::int64_t earlier = 0;  ///< left out: before the span that is shown

    bool empty() const { return minutes.empty(); }
    Span span() const;
    Bucket total() const;
    /// The minute with the most connections, the first of several; not for an empty one.
    const Bucket& peak() const;
};

/// The last week before the server's clock.
Timeline timeline_of(const Evidence& evidence);

/// Those of its minutes from `begin` on.
Timeline since(const Timeline& timeline, std::int64_t begin);

/// In buckets of `width` minutes that begin at multiples of it; those of which no minute
/// is known are left out.
std::vector<Bucket> buckets_of(const Timeline& timeline, std::int64_t width);

/// The smallest handy width that gives at most `count` buckets.
std::int64_t bucket_width(const Timeline& timeline, std::int64_t count);

}  // namespace leash::tool
