#include "plan/quoting.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "core/glob.h"
#include "render/text.h"

namespace leash::tool::plan {
namespace {

constexpr std::string_view kBare = "-_./:@%+=,";

// As $'...' of bash and E'...' understand it.
std::string hidden(const Glyph& glyph) {
    const auto value = static_cast<unsigned>(glyph.code);
    if (!glyph.valid || value < 0x80) {
        return fmt::format("\\x{:02x}", value);
    }
    return value > 0xFFFF ? fmt::format("\\U{:08x}", value) : fmt::format("\\u{:04x}", value);
}

// With backslashes; sets `needed` when it takes them for more than quotes.
std::string c_text(std::string_view text, bool& needed) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const Glyph glyph = decode_utf8(text, at);
        const std::string_view shown = text.substr(at, glyph.length);
        if (!glyph.valid || !is_plain(glyph.code)) {
            out += hidden(glyph);
            needed = true;
        } else {
            out += shown == "'" || shown == "\\" ? "\\" : "";
            out += shown;
        }
        at += glyph.length;
    }
    return out;
}

std::string replaced(std::string_view text, char what, std::string_view by) {
    std::string out;
    for (const char c : text) {
        out += c == what ? std::string(by) : std::string(1, c);
    }
    return out;
}

}  // namespace

std::string shell_word(std::string_view text) {
    const bool bare =
        !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return (byte < 0x80 && std::isalnum(byte) != 0) ||
                   kBare.find(c) != std::string_view::npos;
        });
    if (bare) {
        return std::string(text);
    }
    bool needed = false;
    const std::string escaped = c_text(text, needed);
    return needed ? "$'" + escaped + '\'' : '\'' + replaced(text, '\'', "'\\''") + '\'';
}

std::string sql_literal(std::string_view text) {
    bool needed = text.find('\\') != std::string_view::npos;
    const std::string escaped = c_text(text, needed);
    return needed ? "E'" + escaped + '\'' : '\'' + replaced(text, '\'', "''") + '\'';
}

std::string glob_of(std::string_view text) {
    constexpr std::string_view kSpecial = "*?[\\";
    std::string exact;
    std::string near;  // ? is any one character
    for (const char c : text) {
        const bool special = kSpecial.find(c) != std::string_view::npos;
        exact += special ? std::string{'\\', c} : std::string(1, c);
        near += special ? '?' : c;
    }
    return exact.size() <= kMaxGlobLength ? exact : near;
}

}  // namespace leash::tool::plan
