// Advice on settings as cards, and as rows.
#include <fmt/format.h>

#include "commands/advice_text.h"
#include "render/color.h"
#include "render/labelled.h"
#include "render/text.h"

namespace leash::tool {
namespace {

constexpr Column kColumns[] = {
    {.name = "name"},
    {.name = "about"},
    {.name = "evidence"},
    {.name = "paste", .kind = Kind::kQuery},
    {.name = "does"},
    {.name = "risk"},
    {.name = "undo", .kind = Kind::kQuery},
};

Cell text_or_null(const std::string& text) {
    return text.empty() ? Cell() : Cell(text);
}

std::string card(std::size_t number, const SettingAdvice& advice, const TableStyle& style) {
    const auto shown = [&](const std::string& text) {
        return printable(text, {.collapse_space = true, .ascii_only = style.ascii_only});
    };
    const std::string heading = shown(fmt::format("{} ({})", advice.name, advice.about));
    std::string out =
        fmt::format("{}. {}\n", number, style.color ? painted(heading, Paint::kBold) : heading);
    const auto add = [&](const char* label, const std::string& text) {
        out += text.empty() ? "" : labelled(label, shown(text), style.width);
    };
    add("evidence", advice.evidence);
    out += labelled_lines("paste", advice.paste);
    add("does", advice.does);
    add("risk", advice.risk);
    out += labelled_lines("undo", advice.undo);
    return out;
}

}  // namespace

Dataset setting_rows(const std::vector<SettingAdvice>& advice) {
    Dataset data{kColumns, {}};
    for (const SettingAdvice& one : advice) {
        data.rows.push_back({one.name, one.about, one.evidence, text_or_null(one.paste),
                             text_or_null(one.does), text_or_null(one.risk),
                             text_or_null(one.undo)});
    }
    return data;
}

std::string settings_text(const std::vector<SettingAdvice>& advice, const TableStyle& style) {
    std::string out;
    for (std::size_t i = 0; i < advice.size(); ++i) {
        out += (i > 0 ? "\n" : "") + card(i + 1, advice[i], style);
    }
    return out;
}

}  // namespace leash::tool
