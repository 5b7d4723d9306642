// HTML that nobody else's text can break out of: one file, no script, nothing to load.
#include <string_view>

#include <fmt/format.h>

#include "plan/document.h"
#include "plan/words.h"
#include "render/text.h"

namespace leash::tool::plan {
namespace {

constexpr std::string_view kHead = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root { color-scheme: light dark; --line: #8886; --back: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { border-bottom: 1px solid var(--line); padding-bottom: .2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { background: var(--back); }
code { font: .9em ui-monospace, monospace; background: var(--back); padding: .1em .3em; overflow-wrap: anywhere; }
pre { background: var(--back); border: 1px solid var(--line); padding: .7rem; overflow-x: auto; }
pre code { background: none; padding: 0; overflow-wrap: normal; }
@media print { body { max-width: none; margin: 0; } pre { white-space: pre-wrap; } h2, h3 { break-after: avoid; } }
</style>
)html";

// The one place where text becomes HTML.  Attributes are always in double quotes.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : valid_utf8(text)) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string inline_text(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t begin = text.find(kCodeBegin);
        out += escaped(printable(text.substr(0, begin)));
        if (begin == std::string_view::npos) {
            break;
        }
        text.remove_prefix(begin + 1);
        const std::size_t end = text.find(kCodeEnd);
        out += "<code>" + escaped(printable(text.substr(0, end))) + "</code>";
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

std::string table_row(const std::vector<std::string>& cells, const char* tag) {
    std::string out = "<tr>";
    for (const std::string& cell : cells) {
        out += fmt::format("<{0}>{1}</{0}>", tag, inline_text(cell));
    }
    return out + "</tr>\n";
}

std::string block_text(const Block& block) {
    std::string out;
    switch (block.kind) {
        case Block::Kind::kHeading:
            return fmt::format("<h{0}>{1}</h{0}>\n", block.level, inline_text(block.text));
        case Block::Kind::kParagraph:
            out = block.label.empty() ? "" : "<strong>" + inline_text(block.label) + "</strong> ";
            return "<p>" + out + inline_text(block.text) + "</p>\n";
        case Block::Kind::kList:
            for (const std::string& item : block.items) {
                out += "<li>" + inline_text(item) + "</li>\n";
            }
            return "<ul>\n" + out + "</ul>\n";
        case Block::Kind::kTable:
            for (const auto& row : block.rows) {
                out += table_row(row, "td");
            }
            return "<table>\n<thead>" + table_row(block.head, "th") + "</thead>\n<tbody>\n" + out +
                   "</tbody>\n</table>\n";
        case Block::Kind::kCode:
            return "<pre><code>" + escaped(printable_lines(block.text)) + "</code></pre>\n";
    }
    return out;
}

}  // namespace

std::string html_of(const Document& document) {
    std::string out(kHead);
    out += "<title>" + escaped(unmarked(document.title, true)) + "</title>\n</head>\n<body>\n";
    out += "<h1>" + inline_text(document.title) + "</h1>\n";
    for (const Block& block : document.blocks) {
        out += block_text(block);
    }
    return out + "</body>\n</html>\n";
}

}  // namespace leash::tool::plan
