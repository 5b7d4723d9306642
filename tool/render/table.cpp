#include "render/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

#include "core/duration.h"
#include "core/names.h"
#include "render/color.h"
#include "render/instant.h"
#include "render/text.h"

namespace leash::tool {
namespace {

constexpr std::size_t kGap = 2;

struct Layout {
    std::vector<std::size_t> columns;  // indexes into the dataset
    std::vector<std::size_t> widths;
};

bool is_numeric(Kind kind) {
    return kind == Kind::kCount || kind == Kind::kReal || kind == Kind::kDuration ||
           kind == Kind::kInstant;
}

// "idle in transaction (aborted)" is 29 columns of an 80-column screen.
std::string abbreviated_state(const std::string& state) {
    if (state == name_of(State::idle_in_transaction_aborted) ||
        state == name_of(Leak::aborted_transaction)) {
        return "aborted txn";
    }
    std::string out = state;
    const std::string_view phrase = "in transaction";
    if (const auto at = out.find(phrase); at != std::string::npos) {
        out.replace(at, phrase.size(), "in txn");
    }
    return out;
}

std::string words_of_us(std::int64_t us) {
    std::array<char, kDurationTextSize> buffer{};
    const std::size_t length = format_duration(us, buffer.data(), buffer.size());
    return {buffer.data(), length};
}

std::size_t total_width(const Layout& layout) {
    std::size_t total = layout.widths.empty() ? 0 : kGap * (layout.widths.size() - 1);
    for (const std::size_t width : layout.widths) {
        total += width;
    }
    return total;
}

std::size_t minimum_of(const Column& column, std::size_t natural) {
    const auto minimum = static_cast<std::size_t>(column.min_width);
    return column.min_width == 0 ? natural : std::min(natural, minimum);
}

// Takes from the widest column that still may give, one by one, so that short
// texts stay whole as long as long ones can be cut.
bool shrink(Layout& layout, const std::vector<std::size_t>& minimums, std::size_t width) {
    std::size_t total = total_width(layout);
    while (total > width) {
        std::size_t widest = layout.widths.size();
        for (std::size_t i = 0; i < layout.widths.size(); ++i) {
            const bool may_give = layout.widths[i] > minimums[i];
            if (may_give &&
                (widest == layout.widths.size() || layout.widths[i] > layout.widths[widest])) {
                widest = i;
            }
        }
        if (widest == layout.widths.size()) {
            return false;
        }
        --layout.widths[widest];
        --total;
    }
    return true;
}

// The column to leave out next, as a position in the layout, or its size.
std::size_t next_to_drop(const Layout& layout, std::span<const Column> columns) {
    std::size_t found = layout.columns.size();
    for (std::size_t i = 0; i < layout.columns.size(); ++i) {
        const int rank = columns[layout.columns[i]].drop_rank;
        if (rank > 0 &&
            (found == layout.columns.size() || rank > columns[layout.columns[found]].drop_rank)) {
            found = i;
        }
    }
    return found;
}

Layout fit(Layout layout, std::span<const Column> columns, std::size_t width) {
    if (width == 0) {
        return layout;
    }
    while (true) {
        std::vector<std::size_t> minimums;
        for (std::size_t i = 0; i < layout.columns.size(); ++i) {
            minimums.push_back(minimum_of(columns[layout.columns[i]], layout.widths[i]));
        }
        Layout tried = layout;
        if (shrink(tried, minimums, width)) {
            return tried;
        }
        const std::size_t drop = next_to_drop(layout, columns);
        if (drop == layout.columns.size()) {
            // Narrower than any sensible terminal: cut everything.
            std::fill(minimums.begin(), minimums.end(), 1);
            shrink(layout, minimums, width);
            return layout;
        }
        layout.columns.erase(layout.columns.begin() + static_cast<std::ptrdiff_t>(drop));
        layout.widths.erase(layout.widths.begin() + static_cast<std::ptrdiff_t>(drop));
    }
}

std::string padded(const std::string& text, std::size_t width, bool right, bool last, Paint paint) {
    const std::size_t used = display_width(text);
    const std::string fill(width > used ? width - used : 0, ' ');
    const std::string shown = painted(text, paint);
    if (right) {
        return fill + shown;
    }
    return last ? shown : shown + fill;
}

Paint paint_for(const Column& column, const Cell& cell) {
    const bool speaks = column.kind == Kind::kState || column.kind == Kind::kStatus;
    return speaks && cell ? paint_of(*cell) : Paint::kNone;
}

}  // namespace

std::string duration_words(const std::string& seconds) {
    char* end = nullptr;
    const double value = std::strtod(seconds.c_str(), &end);
    // An interval may be infinite from PostgreSQL 17 on.
    const bool fits = std::abs(value) <= static_cast<double>(kMaxDurationUs) / 1e6;
    if (end == seconds.c_str() || *end != '\0' || !fits) {
        return seconds;
    }
    return words_of_us(std::llround(value * 1e6));
}

std::string table_cell(const Column& column, const Cell& cell, const TableStyle& style) {
    if (!cell) {
        return {};
    }
    switch (column.kind) {
        case Kind::kDuration:
            return duration_words(*cell);
        case Kind::kInstant:
            if (const auto instant = parse_instant(*cell)) {
                return words_of_us(std::max<std::int64_t>(0, style.now_us - *instant));
            }
            break;
        case Kind::kBoolean:
            return *cell == "t" ? "yes" : "no";
        case Kind::kState:
            return printable(abbreviated_state(*cell), {.ascii_only = style.ascii_only});
        case Kind::kQuery:
            return printable(*cell, {.collapse_space = true, .ascii_only = style.ascii_only});
        default:
            break;
    }
    return printable(*cell, {.ascii_only = style.ascii_only});
}

std::string render_table(const Dataset& data, const TableStyle& style) {
    if (data.rows.empty()) {
        return {};
    }
    Layout layout;
    for (std::size_t c = 0; c < data.columns.size(); ++c) {
        if (data.columns[c].header == nullptr) {
            continue;
        }
        std::size_t width = display_width(data.columns[c].header);
        for (const Row& row : data.rows) {
            width = std::max(width, display_width(table_cell(data.columns[c], row[c], style)));
        }
        layout.columns.push_back(c);
        layout.widths.push_back(width);
    }
    const std::size_t room =
        style.width > style.indent.size() ? style.width - style.indent.size() : style.width;
    layout = fit(std::move(layout), data.columns, room);

    std::string out;
    const auto add_line = [&](auto&& text_of, auto&& paint_at) {
        out += style.indent;
        for (std::size_t i = 0; i < layout.columns.size(); ++i) {
            const Column& column = data.columns[layout.columns[i]];
            const bool last = i + 1 == layout.columns.size();
            const std::string text =
                shorten(text_of(layout.columns[i]), layout.widths[i], style.ascii_only);
            const Paint paint = style.color ? paint_at(layout.columns[i]) : Paint::kNone;
            out += padded(text, layout.widths[i], is_numeric(column.kind), last, paint);
            out.append(last ? 0 : kGap, ' ');
        }
        while (!out.empty() && out.back() == ' ') {
            out.pop_back();
        }
        out += '\n';
    };
    add_line([&](std::size_t c) { return std::string(data.columns[c].header); },
             [](std::size_t) { return Paint::kBold; });
    for (const Row& row : data.rows) {
        add_line([&](std::size_t c) { return table_cell(data.columns[c], row[c], style); },
                 [&](std::size_t c) { return paint_for(data.columns[c], row[c]); });
    }
    return out;
}

}  // namespace leash::tool
