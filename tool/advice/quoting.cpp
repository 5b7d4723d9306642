#include "advice/quoting.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "render/text.h"

namespace leash::tool {
namespace {

constexpr char32_t kReplacement = 0xfffd;
constexpr char32_t kLastOfFourDigits = 0xffff;

// Characters as they are, but for those that `escape` has something for (nullptr or empty:
// as it is) and those that must not be in a text at all, which `hidden` writes.
template <class Escape, class Hidden>
std::string escaped(std::string_view name, Escape&& escape, Hidden&& hidden) {
    std::string out;
    for (std::size_t at = 0; at < name.size();) {
        const Glyph glyph = decode_utf8(name, at);
        const char32_t code = glyph.valid ? glyph.code : kReplacement;
        const std::string_view instead = glyph.valid ? escape(code) : std::string_view();
        if (!instead.empty()) {
            out += instead;
        } else if (!is_plain(code)) {
            out += hidden(static_cast<unsigned>(code));
        } else if (glyph.valid) {
            out += name.substr(at, glyph.length);
        } else {
            out += "\xef\xbf\xbd";
        }
        at += glyph.length;
    }
    return out;
}

// As it is between two quotes; with Unicode escapes only where they are needed.
std::string sql_quoted(std::string_view name, char quote) {
    const std::string twice(2, quote);
    bool unicode = false;
    const auto plain = [&](char32_t code) -> std::string_view {
        return code == static_cast<char32_t>(quote) ? std::string_view(twice) : "";
    };
    const std::string quoted = escaped(name, plain, [&](unsigned) {
        unicode = true;
        return std::string();
    });
    if (!unicode) {
        return quote + quoted + quote;
    }
    const auto escape = [&](char32_t code) -> std::string_view {
        return code == '\\' ? "\\\\" : plain(code);
    };
    const auto hidden = [](unsigned code) {
        return code > kLastOfFourDigits ? fmt::format("\\+{:06x}", code)
                                        : fmt::format("\\{:04x}", code);
    };
    return std::string("U&") + quote + escaped(name, escape, hidden) + quote;
}

}  // namespace

std::string javascript_text(std::string_view name) {
    const auto escape = [](char32_t code) -> std::string_view {
        return code == '\'' ? "\\'" : code == '\\' ? "\\\\" : "";
    };
    return "'" +
           escaped(name, escape, [](unsigned code) { return fmt::format("\\u{{{:x}}}", code); }) +
           "'";
}

std::string python_text(std::string_view name) {
    const auto escape = [](char32_t code) -> std::string_view {
        return code == '"' ? "\\\"" : code == '\\' ? "\\\\" : "";
    };
    return '"' +
           escaped(name, escape,
                   [](unsigned code) {
                       return code > kLastOfFourDigits ? fmt::format("\\U{:08x}", code)
                                                       : fmt::format("\\u{:04x}", code);
                   }) +
           '"';
}

std::string url_text(std::string_view name) {
    std::string out;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 ||
                                           std::string_view("-._~").find(c) != std::string::npos);
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return out;
}

std::string sql_name(std::string_view name) {
    return sql_quoted(name, '"');
}

std::string sql_text(std::string_view name) {
    return sql_quoted(name, '\'');
}

std::string pgbouncer_name(std::string_view name) {
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-');
    });
    return std::string(plain ? name : "");
}

std::string pgbouncer_dbname(std::string_view name) {
    const std::string quoted = sql_text(name);
    const bool needed = !name.empty() && pgbouncer_name(name).empty();
    return needed && quoted.front() == '\'' ? "dbname=" + quoted : std::string();
}

}  // namespace leash::tool
