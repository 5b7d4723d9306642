#include "report/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leash::tool {
namespace {

using testing::ElementsAre;

constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kNow = 1'000'000;  // minutes

MinuteFacts minute(std::int64_t ago, std::int64_t used = 1) {
    MinuteFacts facts;
    facts.minute.us = (kNow - ago) * kMinuteUs;
    facts.used_peak = used;
    return facts;
}

Evidence of(const std::vector<MinuteFacts>& minutes) {
    Evidence evidence;
    evidence.server.now.us = kNow * kMinuteUs;
    evidence.history = minutes;
    return evidence;
}

std::vector<std::int64_t> agos(const Timeline& timeline) {
    std::vector<std::int64_t> out;
    for (const Bucket& bucket : timeline.minutes) {
        out.push_back(kNow - bucket.begin);
    }
    return out;
}

TEST(ReportTimeline, IsEmptyWithoutHistory) {
    const Timeline timeline = timeline_of(of({}));
    EXPECT_TRUE(timeline.empty());
    EXPECT_EQ(timeline.span(), Span());
    EXPECT_EQ(timeline.total().known, 0);
    EXPECT_TRUE(buckets_of(timeline, 60).empty());
}

TEST(ReportTimeline, FindsGaps) {
    const Timeline timeline = timeline_of(of({minute(9), minute(8), minute(5), minute(1)}));
    EXPECT_THAT(timeline.gaps, ElementsAre(Span{kNow - 7, kNow - 5}, Span{kNow - 4, kNow - 1}));
    EXPECT_EQ(timeline.span(), (Span{kNow - 9, kNow}));
}

TEST(ReportTimeline, PutsMinutesInOrderAndTakesThoseThatCameTwiceTogether) {
    MinuteFacts again = minute(3, 9);
    again.refused = 2;
    again.minute.us += 17'000'000;  // no full minute
    MinuteFacts first = minute(3, 4);
    first.refused = 1;
    const Timeline timeline = timeline_of(of({minute(4), first, minute(2), again, minute(1)}));
    EXPECT_THAT(agos(timeline), ElementsAre(4, 3, 2, 1));
    EXPECT_EQ(timeline.merged, 1);
    EXPECT_EQ(timeline.out_of_order, 1);
    EXPECT_EQ(timeline.minutes[1].facts.used_peak, 9);
    EXPECT_EQ(timeline.minutes[1].facts.refused, 3);
    EXPECT_TRUE(timeline.gaps.empty());
}

// A clock that was in another century for a moment must not stretch the picture.
TEST(ReportTimeline, LeavesOutWhatTheServersClockContradicts) {
    const Timeline timeline =
        timeline_of(of({minute(900'000), minute(kWeekMinutes + 1), minute(kWeekMinutes), minute(5),
                        minute(-1), minute(-3), minute(-50'000'000)}));
    EXPECT_THAT(agos(timeline), ElementsAre(kWeekMinutes, 5, -1));
    EXPECT_EQ(timeline.ahead, 2);
    EXPECT_EQ(timeline.earlier, 2);
}

TEST(ReportTimeline, BucketsTakePeaksAndSums) {
    MinuteFacts a = minute(60, 5);
    a.used_mean = 4;
    a.refused = 1;
    a.blks_hit = 90;
    a.blks_read = 10;
    a.cache_hit_ratio = 0.9;
    MinuteFacts b = minute(59, 9);
    b.used_mean = 8;
    b.refused = 2;
    b.blks_hit = 0;
    b.blks_read = 900;
    b.cache_hit_ratio = 0.0;
    const Bucket total = timeline_of(of({a, b})).total();
    EXPECT_EQ(total.facts.used_peak, 9);
    EXPECT_DOUBLE_EQ(total.facts.used_mean, 6);
    EXPECT_EQ(total.facts.refused, 3);
    EXPECT_DOUBLE_EQ(*total.facts.cache_hit_ratio, 0.09);  // of blocks, not of ratios
    EXPECT_FALSE(total.facts.rows_read);                   // not known is not 0
}

TEST(ReportTimeline, RatiosWithoutBlocksAreAveraged) {
    std::vector<MinuteFacts> minutes = {minute(3), minute(2), minute(1)};
    minutes[0].cache_hit_ratio = 1.0;
    minutes[2].cache_hit_ratio = 0.5;
    EXPECT_NEAR(*timeline_of(of(minutes)).total().facts.cache_hit_ratio, 0.75, 0.1);
}

TEST(ReportTimeline, BucketsBeginAtMultiples) {
    std::vector<MinuteFacts> minutes;
    for (std::int64_t ago = 130; ago > 0; --ago) {
        minutes.push_back(minute(ago));
    }
    const std::vector<Bucket> buckets = buckets_of(timeline_of(of(minutes)), 60);
    ASSERT_EQ(buckets.size(), 3U);
    for (const Bucket& bucket : buckets) {
        EXPECT_EQ(bucket.begin % 60, 0);
        EXPECT_LE(bucket.known, 60);
    }
}

TEST(ReportTimeline, WidthsKeepTheNumberOfBuckets) {
    std::vector<MinuteFacts> minutes;
    for (std::int64_t ago = kWeekMinutes; ago > 0; ago -= 7) {
        minutes.push_back(minute(ago));
    }
    const Timeline week = timeline_of(of(minutes));
    EXPECT_EQ(bucket_width(week, 720), 15);
    EXPECT_LE(buckets_of(week, bucket_width(week, 720)).size(), 720U);
    EXPECT_EQ(bucket_width(week, 182), 60);
    EXPECT_EQ(bucket_width(timeline_of(of({minute(1)})), 720), 1);
}

}  // namespace
}  // namespace leash::tool
