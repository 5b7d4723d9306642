#include "render/instant.h"

#include <gtest/gtest.h>

namespace leash::tool {
namespace {

TEST(Instant, ReadsWhatItWrites) {
    for (const std::int64_t us : {std::int64_t{0}, std::int64_t{1'774'958'400'500'001},
                                  std::int64_t{-1}, std::int64_t{-86'400'000'000}}) {
        EXPECT_EQ(parse_instant(instant_text(us)), us) << instant_text(us);
    }
}

TEST(Instant, IsIso8601InUtc) {
    EXPECT_EQ(instant_text(0), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(instant_text(-1), "1969-12-31T23:59:59.999999Z");
}

TEST(Instant, RefusesWhatIsNone) {
    EXPECT_FALSE(parse_instant("infinity"));
    EXPECT_FALSE(parse_instant(""));
}

}  // namespace
}  // namespace leash::tool
