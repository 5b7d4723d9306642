// find_spikes(): many sessions at once, for a few minutes.
#include "plan_evidence.h"

namespace leash::tool::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// In so many minutes from two hours ago on that many connections, all of them at work.
Evidence with_spike(std::int64_t used, int minutes) {
    Evidence evidence = quiet_server();
    for (int i = 0; i < minutes; ++i) {
        MinuteFacts& minute = evidence.history[static_cast<std::size_t>(kDayMinutes - 120 + i)];
        minute.used_peak = used;
        minute.in_use_peak = used - 6;
        minute.busy_seconds = 600;
    }
    evidence.applications[0].in_use_peak = used - 8;
    return evidence;
}

TEST(PlanSpikes, ManyAtOnce) {
    const Finding spike = only_finding(with_spike(72, 2));
    EXPECT_EQ(spike.id(), "spike/shop-api/shop@orders");
    EXPECT_EQ(unmarked(spike.title, true), "\"shop-api\" comes with 64 requests at once");
    EXPECT_EQ(spike.harm, Harm::kWaste);
    EXPECT_EQ(spike.hurts, "takes 60 slots for 2 minutes");
    EXPECT_EQ(evidence_of(spike),
              "In the minute 2026-05-12 07:00 UTC up to 72 sessions were there, of which 66 were "
              "in use at once; usually there are 12 (the median of 1,440 minutes).\n"
              "That happened once, in 2 minutes; it began 2026-05-12 07:00 UTC.\n"
              "\"shop-api\" (role \"shop\", database \"orders\") had up to 64 sessions in use at "
              "once, and 1 in the mean.\n");
    // 540 seconds of work in a minute, within ten seconds, and the usual level: but what is
    // measured, 4 for 99.9 % of the time, is enough.
    EXPECT_EQ(expected_of(spike),
              "connections, at such a peak: 72 -> 16\n"
              "the work of such a spike takes at least: 8.4s with 64 at once "
              "-> 2min 15s with 4 at once\n");
    EXPECT_EQ(spike.frees, 60);
    EXPECT_THAT(pasted(spike, "new Pool"), HasSubstr("max: 4"));
    EXPECT_THAT(spike.fixes.back().what, HasSubstr("spread it"));
}

// Who comes at the end of a minute works in the next.
TEST(PlanSpikes, TheMinuteOfTheMostSessionsNeedNotBeTheOneOfTheMostWork) {
    Evidence evidence = with_spike(72, 2);
    evidence.history[kDayMinutes - 120].in_use_peak = 6;
    EXPECT_THAT(evidence_of(only_finding(evidence)),
                HasSubstr("07:00 UTC up to 72 sessions were there, of which 66 were in use"));
}

// What was measured has the spike in it.  The pool is reckoned from what is in use without
// it, 1 in the mean, and from its work in one minute beyond the usual, 100 s, within ten.
TEST(PlanSpikes, ThePoolIsForTheUsualLoadAndTheSpikesWork) {
    Evidence evidence = with_spike(72, 2);
    evidence.applications[0].in_use_p999 = 64;
    for (MinuteFacts& minute : evidence.history) {
        minute.busy_seconds = minute.used_peak == 72 ? 160 : 60;
    }
    const Finding spike = only_finding(evidence);
    EXPECT_THAT(pasted(spike, "new Pool"), HasSubstr("max: 18"));  // 11 + 2 sqrt 11
    EXPECT_THAT(expected_of(spike), HasSubstr("connections, at such a peak: 72 -> 30\n"));
    EXPECT_EQ(spike.frees, 46);
}

// Over an hour ten minutes of a spike are part of what is in use in the mean.
TEST(PlanSpikes, TheUsualLoadIsWithoutTheSpike) {
    Evidence evidence = with_spike(72, 10);
    for (MinuteFacts& minute : evidence.history) {
        minute.busy_seconds = minute.used_peak == 72 ? 160 : 60;
    }
    ApplicationFacts& facts = evidence.applications[0];
    facts.known_since = ago(kHour);
    facts.in_use_p999 = 64;
    facts.in_use_mean = 1.5;
    EXPECT_THAT(pasted(only_finding(evidence), "new Pool"), HasSubstr("max: 18"));
}

// Each limit by itself: twice the usual level, a fifth of the slots, half of it at work, a
// tenth of the time, half an hour of history.
TEST(PlanSpikes, WhatIsBelowALimitIsNone) {
    EXPECT_THAT(found(with_spike(32, 2)), ElementsAre("spike of shop-api"));
    EXPECT_THAT(found(with_spike(31, 2)), IsEmpty());
    Evidence evidence = with_spike(48, 2);
    for (MinuteFacts& minute : evidence.history) {
        minute.used_peak = std::max<std::int64_t>(minute.used_peak, 24);
    }
    EXPECT_THAT(found(evidence), ElementsAre("spike of shop-api"));
    evidence.history[kDayMinutes - 120].used_peak = 47;
    evidence.history[kDayMinutes - 119].used_peak = 47;
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence = with_spike(72, 1);
    evidence.history[kDayMinutes - 120].in_use_peak = 34;  // 30 more than the usual 4
    EXPECT_THAT(found(evidence), ElementsAre("spike of shop-api"));
    evidence.history[kDayMinutes - 120].in_use_peak = 33;  // the others were only opened
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence = with_spike(72, 100);
    evidence.history.erase(evidence.history.begin(), evidence.history.end() - 1000);
    EXPECT_THAT(found(evidence), ElementsAre("spike of shop-api"));
    evidence.history.erase(evidence.history.begin());  // a tenth of the time
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence = with_spike(72, 2);
    evidence.history.erase(evidence.history.begin() + 30, evidence.history.end());
    evidence.history[20].used_peak = 72;
    evidence.history[20].in_use_peak = 66;
    EXPECT_THAT(found(evidence), ElementsAre("spike of shop-api"));
    evidence.history.pop_back();
    EXPECT_THAT(found(evidence), IsEmpty());
}

// Leaked sessions stay: they are no spike, however many.
TEST(PlanSpikes, LeakedSessionsAreNone) {
    Evidence evidence = with_spike(64, 2);
    for (int i = 0; i < 2; ++i) {
        MinuteFacts& minute = evidence.history[static_cast<std::size_t>(kDayMinutes - 120 + i)];
        minute.in_use_peak = 64;
        minute.leaked = 33;
    }
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.history[kDayMinutes - 120].leaked = 32;
    EXPECT_THAT(found(evidence), ElementsAre("spike of shop-api"));
}

TEST(PlanSpikes, WhoWasTurnedAwayMakesItWorse) {
    Evidence evidence = with_spike(100, 2);
    evidence.history[kDayMinutes - 120].refused = 31;
    evidence.refusals = {refusal(7200, 31)};
    const Finding spike = only_finding(evidence);  // which explains the refusals
    EXPECT_EQ(spike.harm, Harm::kRefused);
    EXPECT_THAT(evidence_of(spike), HasSubstr("31 connections were refused in these minutes"));
}

TEST(PlanSpikes, ItMayComeAgainAndAgain) {
    Evidence evidence = with_spike(72, 1);
    for (const int before : {900, 600, 300}) {
        evidence.history[static_cast<std::size_t>(kDayMinutes - before)] =
            evidence.history[kDayMinutes - 120];
        evidence.history[static_cast<std::size_t>(kDayMinutes - before)].minute =
            ago(60.0 * before);
    }
    const std::string text = evidence_of(only_finding(evidence));
    EXPECT_THAT(text, HasSubstr("That happened 4 times, in 4 minutes; it began 2026-05-11 18:00 "
                                "UTC, 2026-05-11 23:00 UTC, 2026-05-12 04:00 UTC and 2026-05-12 "
                                "07:00 UTC.\n"));
}

// Nobody's own peak is half of the rise: many did it together.
TEST(PlanSpikes, ItMayBeNobodys) {
    Evidence evidence = with_spike(72, 2);
    evidence.applications[0].in_use_peak = 29;
    const Finding spike = only_finding(evidence);
    EXPECT_EQ(spike.application, "");
    EXPECT_EQ(spike.title, "72 sessions at once, where 12 are usual");
    EXPECT_EQ(spike.fixes.size(), 1U);
    EXPECT_EQ(spike.frees, 0);
    evidence.applications[0].in_use_peak = 30;
    EXPECT_EQ(only_finding(evidence).application, "shop-api");
    evidence.applications[0].in_use_mean = 15.1;  // half of that is usual
    evidence.applications[0].in_use_p999 = 20;
    EXPECT_EQ(find(evidence).front().application, "");
}

}  // namespace
}  // namespace leash::tool::plan
