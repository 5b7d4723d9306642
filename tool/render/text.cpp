#include "render/text.h"

#include <clocale>
#include <cwchar>
#include <locale.h>

#include <fmt/format.h>

namespace leash::tool {
namespace {

// A name may carry accents, but a tower of them paints over the lines above.
constexpr int kMaxCombining = 3;

bool is_continuation(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

std::size_t sequence_length(unsigned char lead) {
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return 2;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        return 4;
    }
    return 0;
}

char32_t smallest_code(std::size_t length) {
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    return kSmallest[length];
}

// Marks that are invisible, or change the direction of what follows.
bool is_deceptive(char32_t code) {
    return code == 0x00AD || code == 0x061C || code == 0x180E ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF ||
           (code >= 0xFFF9 && code <= 0xFFFB) || (code >= 0xE0000 && code <= 0xE007F);
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

void append_escape(std::string& out, char32_t code) {
    switch (code) {
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    if (code < 0x80) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned>(code));
    } else if (code < 0x10000) {
        out += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
    } else {
        out += fmt::format("\\U{:08x}", static_cast<unsigned>(code));
    }
}

locale_t utf8_locale() {
    static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", static_cast<locale_t>(0));
    return locale;
}

}  // namespace

Glyph decode_utf8(std::string_view text, std::size_t position) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[position + i]); };
    const unsigned char lead = byte(0);
    const std::size_t length = sequence_length(lead);
    const Glyph invalid{lead, 1, false};
    if (length == 0 || position + length > text.size()) {
        return invalid;
    }
    if (length == 1) {
        return {lead, 1, true};
    }
    char32_t code = lead & (0x7F >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(byte(i))) {
            return invalid;
        }
        code = (code << 6) | (byte(i) & 0x3F);
    }
    if (code < smallest_code(length) || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        return invalid;
    }
    return {code, length, true};
}

int glyph_width(char32_t code) {
    if (code < 0x20 || (code >= 0x7F && code < 0xA0)) {
        return -1;
    }
    if (code < 0x7F) {
        return 1;
    }
    // The environment of a container often says LANG=C, where wcwidth knows
    // ASCII only; the server's text is UTF-8 all the same.
    const locale_t locale = utf8_locale();
    if (locale == static_cast<locale_t>(0)) {
        return 1;
    }
    const locale_t before = uselocale(locale);
    const int width = wcwidth(static_cast<wchar_t>(code));
    uselocale(before);
    return width;
}

bool is_plain(char32_t code) {
    return glyph_width(code) >= 0 && !is_deceptive(code);
}

std::string printable(std::string_view text, TextStyle style) {
    std::string out;
    out.reserve(text.size());
    int combining = 0;
    bool pending_space = false;
    for (std::size_t i = 0; i < text.size();) {
        if (style.collapse_space && is_space(text[i])) {
            pending_space = !out.empty();
            ++i;
            continue;
        }
        if (pending_space) {
            out += ' ';
            pending_space = false;
        }
        const Glyph glyph = decode_utf8(text, i);
        if (!glyph.valid) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(glyph.code));
            ++i;
            continue;
        }
        const int width = glyph_width(glyph.code);
        combining = width == 0 ? combining + 1 : 0;
        const bool escape = !is_plain(glyph.code) || combining > kMaxCombining ||
                            (style.ascii_only && glyph.code >= 0x80);
        if (escape) {
            append_escape(out, glyph.code);
        } else {
            out.append(text.substr(i, glyph.length));
        }
        i += glyph.length;
    }
    return out;
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    for (std::size_t i = 0; i < text.size();) {
        const Glyph glyph = decode_utf8(text, i);
        const int columns = glyph.valid ? glyph_width(glyph.code) : 1;
        width += columns > 0 ? static_cast<std::size_t>(columns) : 0;
        i += glyph.length;
    }
    return width;
}

std::string shorten(std::string_view text, std::size_t width, bool ascii_only) {
    if (display_width(text) <= width) {
        return std::string(text);
    }
    if (width == 0) {
        return {};
    }
    const std::string_view mark = ascii_only ? "~" : "…";
    std::size_t used = 0;
    std::size_t end = 0;
    while (end < text.size()) {
        const Glyph glyph = decode_utf8(text, end);
        const int columns = glyph.valid ? glyph_width(glyph.code) : 1;
        const std::size_t next = used + (columns > 0 ? static_cast<std::size_t>(columns) : 0);
        if (next > width - 1) {
            break;
        }
        used = next;
        end += glyph.length;
    }
    std::string out(text.substr(0, end));
    out += mark;
    return out;
}

std::string valid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const Glyph glyph = decode_utf8(text, i);
        if (glyph.valid) {
            out.append(text.substr(i, glyph.length));
        } else {
            out += "\xEF\xBF\xBD";
        }
        i += glyph.length;
    }
    return out;
}

}  // namespace leash::tool
