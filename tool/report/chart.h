// A chart over time: what it shows of a minute or of several.  It is drawn as SVG, which
// needs no script and is what gets printed (chart_svg.cpp), and described as data for
// uPlot, which draws every minute and lets one zoom (chart_data.cpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/html.h"
#include "report/timeline.h"

namespace leash::tool {

enum class Shape {
    stacked,  ///< areas on top of each other
    lines,
    columns,  ///< areas from the axis
};

struct Series {
    std::string name;
    Markup css;  ///< class, and so the colour
    /// Of a bucket of any length, so per minute where it counts something; nullopt: a gap.
    std::optional<double> (*value)(const Bucket& bucket);
};

struct Mark {
    std::int64_t minute = 0;
    double value = 0;
    std::string text;
};

struct Chart {
    std::string id;  ///< of the HTML element, too
    std::string title;
    std::string unit;   ///< of the axis, such as "per minute"
    std::string drawn;  ///< how the picture takes minutes together: "the highest"
    std::string note;   ///< one sentence: what one should see
    Shape shape = Shape::lines;
    std::vector<Series> series = {};
    std::vector<Series> more_columns = {};  ///< of its table
    std::optional<double> limit = {};       ///< a dashed line
    std::string limit_name = {};
    std::optional<Mark> mark = {};
    bool percent = false;
    double bottom = 0;
    std::optional<double> top = {};  ///< nullopt: as high as the values
};

/// A sum of a bucket as a rate: per minute that is known.
double per_minute(const Bucket& bucket, double sum);

/// The values of the series on top of each other, or as they are.
std::vector<std::optional<double>> levels_of(const Chart& chart, const Bucket& bucket);

/// The chart as a figure: caption, note, legend, picture, table.
Html figure_of(const Chart& chart, const Timeline& timeline, const std::string& set);

/// The picture alone.
Html chart_svg(const Chart& chart, const Timeline& timeline);

/// Every minute of what the charts show, for page.js: a set that is zoomed together.
nlohmann::ordered_json chart_data(const std::vector<Chart>& charts, const Timeline& timeline);

/// What the picture takes together.
std::int64_t drawn_width(const Timeline& timeline);

/// Round values from 0 or above to `top` or below, at most about `count`.
std::vector<double> ticks_of(double bottom, double top, int count);

std::string axis_text(const Chart& chart, double value);

}  // namespace leash::tool
