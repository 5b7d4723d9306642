#include "render/labelled.h"

#include <algorithm>

#include <fmt/format.h>

#include "render/text.h"

namespace leash::tool {
namespace {

constexpr std::size_t kIndent = 3;
constexpr std::size_t kLabel = 10;  // columns that a label takes, with the gap behind it

// room 0: one line.
std::string broken(const std::string& text, std::size_t room, std::size_t indent) {
    std::string out;
    std::size_t used = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string word = text.substr(at, end - at);
        const std::size_t needed = display_width(word);
        if (room > 0 && used > 0 && used + 1 + needed > room) {
            out += "\n" + std::string(indent, ' ');
            used = 0;
        }
        out += used > 0 ? " " : "";
        used += (used > 0 ? 1 : 0) + needed;
        out += word;
        at = end + 1;
    }
    return out + "\n";
}

}  // namespace

std::string labelled(const std::string& label, const std::string& text, std::size_t width) {
    const std::size_t room = width > 2 * kLabel ? width - kLabel - kIndent : 0;
    return fmt::format("{:<{}}{:<{}}", "", kIndent, label, kLabel) +
           broken(text, room, kLabel + kIndent);
}

std::string labelled_lines(const std::string& label, const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        out += fmt::format("{:<{}}{:<{}}{}\n", "", kIndent, at == 0 ? label : "", kLabel,
                           text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

std::string bullet(const std::string& text, std::size_t width) {
    constexpr std::size_t kMark = 2;
    return "- " + broken(text, width > kMark ? width - kMark : 0, kMark);
}

std::string wrapped(const std::string& text, std::size_t width) {
    return broken(text, width, 0);
}

}  // namespace leash::tool
