// Which charts there are of a week's minutes.
#pragma once

#include "report/chart.h"

namespace leash::tool {

/// Where the limit is far above all that was used it is not drawn, unless it must be.
Chart connections_chart(const Evidence& evidence, const Timeline& timeline,
                        bool with_limit = false);
Chart leaks_chart(const Timeline& timeline);
Chart reaps_chart(const Timeline& timeline);
Chart refusals_chart(const Timeline& timeline);
Chart cache_chart(const Timeline& timeline);
Chart rows_chart(const Timeline& timeline);
Chart slow_chart(const Timeline& timeline);

/// The same axis for charts that are compared, and ids of their own.
void align(Chart& before, const Timeline& before_minutes, Chart& after,
           const Timeline& after_minutes);

}  // namespace leash::tool
