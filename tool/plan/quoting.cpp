#include "plan/quoting.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "core/glob.h"
#include "render/text.h"

namespace leash::tool::plan {
namespace {

constexpr std::string_view kBare = "-_./:@%+=,";

// As $'...' of bash understands it in every locale, byte by byte.
std::string hidden_from_shell(const Glyph&, std::string_view bytes) {
    std::string out;
    for (const char byte : bytes) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
    return out;
}

// As E'...' understands it in every encoding.
std::string hidden_from_sql(const Glyph& glyph, std::string_view) {
    const auto value = static_cast<unsigned>(glyph.code);
    if (!glyph.valid || value < 0x80) {
        return fmt::format("\\x{:02x}", value);
    }
    return value > 0xFFFF ? fmt::format("\\U{:08x}", value) : fmt::format("\\u{:04x}", value);
}

using Hide = std::string (*)(const Glyph& glyph, std::string_view bytes);

// With backslashes; sets `needed` when it takes them for more than quotes.
std::string c_text(std::string_view text, Hide hidden, bool& needed) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const Glyph glyph = decode_utf8(text, at);
        const std::string_view shown = text.substr(at, glyph.length);
        if (!glyph.valid || !is_plain(glyph.code)) {
            out += hidden(glyph, shown);
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
    const std::string escaped = c_text(text, hidden_from_shell, needed);
    return needed ? "$'" + escaped + '\'' : '\'' + replaced(text, '\'', "'\\''") + '\'';
}

std::string sql_literal(std::string_view text) {
    bool needed = text.find('\\') != std::string_view::npos;
    const std::string escaped = c_text(text, hidden_from_sql, needed);
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
