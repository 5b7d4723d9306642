// Charts as SVG.  It stretches with the page while its texts do not: a drawing in units of
// its own (minutes by thousandths) lies in one whose positions are shares of the width.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/chart.h"
#include "report/numbers.h"

namespace leash::tool {
namespace {

constexpr int kTopMargin = 14;
constexpr int kPlotHeight = 196;
constexpr int kHeight = kTopMargin + kPlotHeight + 24;
constexpr int kUnits = 1000;  // of the drawing's height
constexpr std::int64_t kMaxBuckets = 720;
constexpr std::int64_t kDay = std::int64_t{24} * 60;

// From values to places.
struct Frame {
    Span span;
    double bottom = 0;
    double top = 1;

    int unit_y(double value) const {
        const double share = (value - bottom) / (top - bottom);
        return static_cast<int>(std::lround((1 - std::clamp(share, 0.0, 1.0)) * kUnits));
    }
    std::string y(double value) const {
        return fmt::format("{:.1f}", kTopMargin + unit_y(value) * kPlotHeight / double{kUnits});
    }
    std::string x(double minute) const {
        const double share =
            (minute - static_cast<double>(span.begin)) / static_cast<double>(span.minutes());
        return fmt::format("{:.2f}%", std::clamp(share, 0.0, 1.0) * 100);
    }
};

Frame frame_of(const Chart& chart, const Timeline& timeline, const std::vector<Bucket>& buckets) {
    Frame frame;
    frame.span = timeline.span();
    frame.bottom = chart.bottom;
    double highest = chart.bottom;
    for (const Bucket& bucket : buckets) {
        for (const auto& level : levels_of(chart, bucket)) {
            highest = std::max(highest, level.value_or(highest));
        }
    }
    frame.top = chart.top.value_or(highest > chart.bottom ? highest * 1.08 : chart.bottom + 1);
    return frame;
}

// --- axes --------------------------------------------------------------------

std::int64_t tick_step(std::int64_t minutes) {
    for (const std::int64_t step : {1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720}) {
        if (minutes / step <= 8) {
            return step;
        }
    }
    return (minutes / (8 * kDay) + 1) * kDay;
}

// Day and month would not fit beside each other on a narrow screen.
std::string tick_text(std::int64_t minute) {
    if (minute % kDay != 0) {
        return clock_text(minute);
    }
    const std::string day = day_text(minute);
    return day.substr(0, day.rfind(' '));
}

void draw_time_axis(Html& out, const Frame& frame) {
    const std::int64_t step = tick_step(frame.span.minutes());
    const std::int64_t first = (frame.span.begin + step - 1) / step * step;
    for (std::int64_t at = first; at < frame.span.end; at += step) {
        const std::string x = frame.x(static_cast<double>(at));
        const double share =
            static_cast<double>(at - frame.span.begin) / static_cast<double>(frame.span.minutes());
        out << R"(<line class="grid" x1=")" << x << R"(" x2=")" << x << R"(" y1=")" << kTopMargin
            << R"(" y2=")" << kTopMargin + kPlotHeight << R"("/>)";
        if (share < 0.02 || share > 0.93) {
            continue;  // the text would be cut
        }
        out << R"(<text class="tick middle" x=")" << x << R"(" y=")" << kHeight - 7 << R"(">)"
            << tick_text(at) << "</text>";
    }
}

void draw_value_lines(Html& out, const Chart& chart, const Frame& frame) {
    for (const double value : ticks_of(frame.bottom, frame.top, 5)) {
        out << R"(<line class="grid" x1="0" x2="100%" y1=")" << frame.y(value) << R"(" y2=")"
            << frame.y(value) << R"("/>)";
    }
    out << R"(<line class="axis" x1="0" x2="100%" y1=")" << kTopMargin + kPlotHeight << R"(" y2=")"
        << kTopMargin + kPlotHeight << R"("/>)";
    if (chart.limit && *chart.limit <= frame.top) {
        out << R"(<line class="limit" x1="0" x2="100%" y1=")" << frame.y(*chart.limit)
            << R"(" y2=")" << frame.y(*chart.limit) << R"("/>)";
    }
}

bool in_right_half(const Frame& frame, std::int64_t minute) {
    return 2 * minute > frame.span.begin + frame.span.end;
}

// On top of the areas, or one could not read them.
void draw_value_texts(Html& out, const Chart& chart, const Frame& frame) {
    for (const double value : ticks_of(frame.bottom, frame.top, 5)) {
        // The limit's text is there, and says it too.
        if (chart.limit &&
            std::abs(frame.unit_y(value) - frame.unit_y(*chart.limit)) < kUnits / 12) {
            continue;
        }
        out << R"(<text class="tick" x="3" dy="-3" y=")" << frame.y(value) << R"(">)"
            << axis_text(chart, value) << "</text>";
    }
    if (chart.limit && *chart.limit <= frame.top) {
        // Not where the mark's text is.
        const bool left = chart.mark && in_right_half(frame, chart.mark->minute);
        out << (left ? Markup(R"(<text class="tick strong" x="3" dy="-6" y=")")
                     : Markup(R"(<text class="tick strong end" x="99.5%" dy="-6" y=")"))
            << frame.y(*chart.limit) << R"(">)" << chart.limit_name << "</text>";
    }
}

// --- data --------------------------------------------------------------------

// Steps: what is known of a bucket holds for all of it.
class StepPath {
public:
    StepPath(const Frame& frame, bool closed) : frame_(frame), closed_(closed) {}

    void add(const Bucket& bucket, const std::optional<double>& value) {
        const std::int64_t begin = std::max(bucket.begin, frame_.span.begin);
        const std::int64_t end = std::min(bucket.end(), frame_.span.end);
        if (!value || (open_ && begin != end_)) {
            finish();
        }
        if (!value) {
            return;
        }
        const int y = frame_.unit_y(*value);
        if (!open_) {
            const std::int64_t x = begin - frame_.span.begin;
            path_ += closed_ ? fmt::format("M{} {}V{}", x, kUnits, y) : fmt::format("M{} {}", x, y);
        } else if (y != y_) {
            path_ += fmt::format("H{}V{}", begin - frame_.span.begin, y);
        }
        open_ = true;
        end_ = end;
        y_ = y;
    }

    std::string text() {
        finish();
        return path_;
    }

private:
    void finish() {
        if (open_) {
            path_ += fmt::format("H{}", end_ - frame_.span.begin);
            path_ += closed_ ? fmt::format("V{}Z", kUnits) : "";
        }
        open_ = false;
    }

    const Frame& frame_;
    bool closed_;
    bool open_ = false;
    std::int64_t end_ = 0;
    int y_ = 0;
    std::string path_;
};

void draw_series(Html& out, const Chart& chart, const Frame& frame,
                 const std::vector<Bucket>& buckets) {
    const bool filled = chart.shape != Shape::lines;
    // The highest area first: the others lie upon it.
    for (std::size_t n = chart.series.size(); n-- > 0;) {
        StepPath path(frame, filled);
        for (const Bucket& bucket : buckets) {
            path.add(bucket, levels_of(chart, bucket)[n]);
        }
        out << R"(<path class=")" << (filled ? Markup("area ") : Markup("line "))
            << chart.series[n].css << R"(" d=")" << path.text() << R"("/>)";
    }
}

void draw_gaps(Html& out, const Frame& frame, const Timeline& timeline) {
    for (const Span& gap : timeline.gaps) {
        // Narrower than a pixel.
        if (gap.minutes() * 1000 < frame.span.minutes()) {
            continue;
        }
        out << R"(<rect class="gap" y="0" height=")" << kUnits << R"(" x=")"
            << gap.begin - frame.span.begin << R"(" width=")" << gap.minutes() << R"("/>)";
    }
}

void draw_gap_texts(Html& out, const Frame& frame, const Timeline& timeline) {
    for (const Span& gap : timeline.gaps) {
        if (gap.minutes() * 8 < frame.span.minutes()) {
            continue;
        }
        const double middle = static_cast<double>(gap.begin + gap.end) / 2;
        out << R"(<text class="tick middle" x=")" << frame.x(middle) << R"(" y=")"
            << kTopMargin + kPlotHeight / 2 << R"(">no data</text>)";
    }
}

void draw_mark(Html& out, const Chart& chart, const Frame& frame) {
    if (!chart.mark) {
        return;
    }
    const double at = static_cast<double>(chart.mark->minute) + 0.5;
    const bool right_half = in_right_half(frame, chart.mark->minute);
    out << R"(<circle class="mark" r="4" cx=")" << frame.x(at) << R"(" cy=")"
        << frame.y(chart.mark->value) << R"("/><text class="tick strong)"
        << (right_half ? Markup(" end") : Markup("")) << R"(" x=")" << frame.x(at) << R"(" dx=")"
        << (right_half ? -8 : 8) << R"(" dy="16" y=")" << frame.y(chart.mark->value) << R"(">)"
        << chart.mark->text << "</text>";
}

}  // namespace

std::int64_t drawn_width(const Timeline& timeline) {
    return bucket_width(timeline, kMaxBuckets);
}

std::vector<double> ticks_of(double bottom, double top, int count) {
    const double rough = (top - bottom) / count;
    if (!(rough > 0) || !std::isfinite(rough)) {
        return {};
    }
    double step = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
        if (step * factor >= rough * 0.999) {
            step *= factor;
            break;
        }
    }
    std::vector<double> ticks;
    for (double n = std::floor(bottom / step) + 1; n * step <= top * 1.0001; ++n) {
        ticks.push_back(n * step);
    }
    return ticks;
}

std::string axis_text(const Chart& chart, double value) {
    return chart.percent ? percent_text(value) : amount_text(value);
}

Html chart_svg(const Chart& chart, const Timeline& timeline) {
    const std::vector<Bucket> buckets = buckets_of(timeline, drawn_width(timeline));
    const Frame frame = frame_of(chart, timeline, buckets);
    Html out;
    out << R"(<svg class="plot" role="img" width="100%" height=")" << kHeight
        << R"(" aria-labelledby=")" << chart.id << R"(-title" aria-describedby=")" << chart.id
        << R"(-note">)";
    draw_time_axis(out, frame);
    draw_value_lines(out, chart, frame);
    out << R"(<svg x="0" width="100%" y=")" << kTopMargin << R"(" height=")" << kPlotHeight
        << R"(" preserveAspectRatio="none" viewBox="0 0 )" << frame.span.minutes() << " " << kUnits
        << R"(">)";
    draw_gaps(out, frame, timeline);
    draw_series(out, chart, frame, buckets);
    out << "</svg>";
    draw_value_texts(out, chart, frame);
    draw_gap_texts(out, frame, timeline);
    draw_mark(out, chart, frame);
    out << "</svg>";
    return out;
}

}  // namespace leash::tool
