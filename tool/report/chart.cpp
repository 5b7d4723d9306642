#include "report/chart.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/numbers.h"

namespace leash::tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kTableRows = 182;

std::string cell_text(const Chart& chart, const std::optional<double>& value) {
    if (!value) {
        return "-";
    }
    return chart.percent                  ? percent_text(*value)
           : std::trunc(*value) == *value ? count_text(std::llround(*value))
                                          : amount_text(*value);
}

Html legend_of(const Chart& chart) {
    Html out;
    out << R"(<ul class="legend">)";
    // As they lie upon each other.
    for (std::size_t i = 0; i < chart.series.size(); ++i) {
        const std::size_t n = chart.shape == Shape::stacked ? chart.series.size() - 1 - i : i;
        out << R"(<li><svg class="swatch" width="12" height="12" aria-hidden="true"><rect class="area )"
            << chart.series[n].css << R"(" width="12" height="12" rx="2"/></svg> )"
            << chart.series[n].name << R"( <b data-series=")" << n << R"("></b></li>)";
    }
    out << R"(<li class="at"></li></ul>)";
    return out;
}

std::string width_text(std::int64_t minutes) {
    return minutes == 1    ? "minute"
           : minutes < 60  ? fmt::format("{} minutes", minutes)
           : minutes == 60 ? "hour"
                           : fmt::format("{} hours", minutes / 60);
}

Html table_of(const Chart& chart, const Timeline& timeline) {
    const std::int64_t width = bucket_width(timeline, kTableRows);
    std::vector<Series> columns = chart.series;
    columns.insert(columns.end(), chart.more_columns.begin(), chart.more_columns.end());
    Html out;
    out << "<details><summary>" << chart.title + ", as a table"
        << R"(</summary><div class="scroll" tabindex="0" role="region" aria-label=")"
        << chart.title + ", table"
        << R"("><table><thead><tr><th scope="col">)"
        << (width == 1 ? "minute (UTC)" : width_text(width) + " from (UTC)") << "</th>";
    for (const Series& column : columns) {
        out << R"(<th scope="col" class="n">)" << column.name << "</th>";
    }
    out << "</tr></thead><tbody>";
    for (const Bucket& bucket : buckets_of(timeline, width)) {
        out << R"(<tr><th scope="row">)" << minute_text(bucket.begin) << "</th>";
        for (const Series& column : columns) {
            out << R"(<td class="n">)" << cell_text(chart, column.value(bucket)) << "</td>";
        }
        out << "</tr>";
    }
    out << "</tbody></table></div></details>";
    return out;
}

// As short as it can be without losing what a chart shows.
Json number_json(double value) {
    if (!std::isfinite(value)) {
        return nullptr;
    }
    if (std::trunc(value) == value && std::abs(value) < 1e15) {
        return static_cast<std::int64_t>(value);
    }
    return std::round(value * 1e4) / 1e4;
}

// Begin and length of minutes without a gap.
Json runs_of(const Timeline& timeline) {
    Json runs = Json::array();
    std::size_t first = 0;
    for (std::size_t i = 1; i <= timeline.minutes.size(); ++i) {
        if (i == timeline.minutes.size() ||
            timeline.minutes[i].begin != timeline.minutes[i - 1].end()) {
            runs.push_back({timeline.minutes[first].begin, i - first});
            first = i;
        }
    }
    return runs;
}

Json chart_json(const Chart& chart, const Timeline& timeline) {
    Json json;
    json["id"] = chart.id;
    json["stacked"] = chart.shape == Shape::stacked;
    json["filled"] = chart.shape != Shape::lines;
    json["percent"] = chart.percent;
    json["bottom"] = chart.bottom;
    json["top"] = chart.top ? Json(*chart.top) : Json(nullptr);
    json["limit"] = chart.limit ? Json(*chart.limit) : Json(nullptr);
    json["limitName"] = chart.limit_name;
    json["mark"] = chart.mark ? Json({chart.mark->minute, chart.mark->value, chart.mark->text})
                              : Json(nullptr);
    json["series"] = Json::array();
    for (const Series& series : chart.series) {
        Json values = Json::array();
        for (const Bucket& minute : timeline.minutes) {
            const std::optional<double> value = series.value(minute);
            values.push_back(value ? number_json(*value) : Json(nullptr));
        }
        json["series"].push_back({{"name", series.name},
                                  {"css", std::string(series.css.code)},
                                  {"values", std::move(values)}});
    }
    return json;
}

}  // namespace

double per_minute(const Bucket& bucket, double sum) {
    return sum /
           static_cast<double>(std::max<std::int64_t>(1, std::min(bucket.known, bucket.minutes)));
}

std::vector<std::optional<double>> levels_of(const Chart& chart, const Bucket& bucket) {
    std::vector<std::optional<double>> levels;
    double below = 0;
    for (const Series& series : chart.series) {
        std::optional<double> value = series.value(bucket);
        if (value && chart.shape == Shape::stacked) {
            below += *value;
            value = below;
        }
        levels.push_back(value);
    }
    return levels;
}

Html figure_of(const Chart& chart, const Timeline& timeline, const std::string& set) {
    Html out;
    out << R"(<figure class="chart" data-set=")" << set << R"(" data-chart=")" << chart.id
        << R"("><figcaption><h3 id=")" << chart.id << R"(-title">)" << chart.title;
    out << " <small>" << chart.unit;
    if (const std::int64_t width = drawn_width(timeline); width > 1) {
        out << R"(<span class="drawn">, )" << chart.drawn << " of each " << width_text(width)
            << "</span>";
    }
    out << "</small>";
    out << R"(</h3><p class="note" id=")" << chart.id << R"(-note">)" << chart.note
        << "</p></figcaption>" << legend_of(chart) << chart_svg(chart, timeline)
        << table_of(chart, timeline) << "</figure>";
    return out;
}

Json chart_data(const std::vector<Chart>& charts, const Timeline& timeline) {
    Json json;
    json["runs"] = runs_of(timeline);
    json["charts"] = Json::array();
    for (const Chart& chart : charts) {
        json["charts"].push_back(chart_json(chart, timeline));
    }
    return json;
}

}  // namespace leash::tool
