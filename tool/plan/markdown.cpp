// Markdown that stays what it is, whatever the names in it hold.
#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "plan/document.h"
#include "plan/words.h"
#include "render/text.h"

namespace leash::tool::plan {
namespace {

// --- the one place where text becomes Markdown -----------------------------------

// Letters of HTML become entities, which every reader knows; so does what would end a
// cell.  The rest gets a backslash.  Control characters cannot be there, but if they were
// they would be shown and not be obeyed.
std::string escaped(std::string_view text) {
    constexpr std::string_view kMarkup = "\\`*_[]#~";
    std::string out;
    for (const char c : printable(text)) {
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
            case '|':
                out += "&#124;";
                break;
            default:
                out += kMarkup.find(c) != std::string_view::npos ? "\\" : "";
                out += c;
        }
    }
    return out;
}

std::size_t longest_run(std::string_view text, char of) {
    std::size_t longest = 0;
    std::size_t run = 0;
    for (const char c : text) {
        run = c == of ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return longest;
}

// Within backticks nothing is escaped; a fence longer than any in the text holds it.  In a
// table a bar would still end the cell, so that there it is written as text.
std::string code_span(std::string_view text, bool in_table) {
    const std::string shown = printable(text);
    if (shown.empty() || (in_table && shown.find('|') != std::string::npos)) {
        return escaped(shown);
    }
    const std::string fence(longest_run(shown, '`') + 1, '`');
    const bool padded = shown.front() == '`' || shown.back() == '`' ||
                        (shown.front() == ' ' && shown.back() == ' ');
    const char* pad = padded ? " " : "";
    return fence + pad + shown + pad + fence;
}

// A text with marks.
std::string inline_text(std::string_view text, bool in_table) {
    std::string out;
    while (!text.empty()) {
        const std::size_t begin = text.find(kCodeBegin);
        out += escaped(text.substr(0, begin));
        if (begin == std::string_view::npos) {
            break;
        }
        text.remove_prefix(begin + 1);
        const std::size_t end = text.find(kCodeEnd);
        out += code_span(text.substr(0, end), in_table);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

// What would begin a list, a rule or the like if it stood at the start of a line.
std::string line(std::string_view text) {
    const std::string out = inline_text(text, false);
    const std::size_t digits = out.find_first_not_of("0123456789");
    if (!out.empty() && std::string_view("-+=").find(out.front()) != std::string_view::npos) {
        return '\\' + out;
    }
    if (digits != 0 && digits != std::string::npos && (out[digits] == '.' || out[digits] == ')') &&
        digits + 1 < out.size() && out[digits + 1] == ' ') {
        return out.substr(0, digits) + '\\' + out.substr(digits);
    }
    return out;
}

// --- blocks ------------------------------------------------------------------------

std::string table_row(const std::vector<std::string>& cells) {
    std::string out = "|";
    for (const std::string& cell : cells) {
        out += ' ' + inline_text(cell, true) + " |";
    }
    return out + '\n';
}

std::string code_block(const Block& block) {
    const std::string lines = printable_lines(block.text);
    const std::string fence(std::max<std::size_t>(longest_run(lines, '`') + 1, 3), '`');
    return fence + block.language + '\n' + lines + fence + '\n';
}

std::string block_text(const Block& block) {
    std::string out;
    switch (block.kind) {
        case Block::Kind::kHeading:
            return std::string(static_cast<std::size_t>(block.level), '#') + ' ' +
                   inline_text(block.text, false) + '\n';
        case Block::Kind::kParagraph:
            out = block.label.empty() ? "" : "**" + inline_text(block.label, false) + "** ";
            return out + (out.empty() ? line(block.text) : inline_text(block.text, false)) + '\n';
        case Block::Kind::kList:
            for (const std::string& item : block.items) {
                out += "- " + line(item) + '\n';
            }
            return out;
        case Block::Kind::kTable:
            out = table_row(block.head) + '|';
            for (std::size_t i = 0; i < block.head.size(); ++i) {
                out += "---|";
            }
            out += '\n';
            for (const auto& row : block.rows) {
                out += table_row(row);
            }
            return out;
        case Block::Kind::kCode:
            return code_block(block);
    }
    return out;
}

}  // namespace

std::string markdown_of(const Document& document) {
    std::string out = "# " + inline_text(document.title, false) + '\n';
    bool after_heading = true;
    for (const Block& block : document.blocks) {
        const bool joined = after_heading && block.kind == Block::Kind::kList;
        out += (joined ? "" : "\n") + block_text(block);
        after_heading = block.kind == Block::Kind::kHeading;
    }
    return out;
}

}  // namespace leash::tool::plan
