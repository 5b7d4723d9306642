#include "render/json.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>

#include <fmt/format.h>

#include "render/text.h"

namespace leash::tool {
namespace {

using nlohmann::ordered_json;

ordered_json json_integer(const std::string& text) {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end) {
        return valid_utf8(text);
    }
    return value;
}

ordered_json json_real(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '\0') {
        return valid_utf8(text);
    }
    return value;
}

ordered_json json_nested(const std::string& text) {
    ordered_json value = ordered_json::parse(valid_utf8(text), nullptr, false);
    return value.is_discarded() ? ordered_json(valid_utf8(text)) : value;
}

ordered_json json_cell(const Column& column, const Cell& cell) {
    if (!cell) {
        return nullptr;
    }
    switch (column.kind) {
        case Kind::kCount:
            return json_integer(*cell);
        case Kind::kReal:
        case Kind::kDuration:
            return json_real(*cell);
        case Kind::kBoolean:
            return *cell == "t";
        case Kind::kJson:
            return json_nested(*cell);
        default:
            return valid_utf8(*cell);
    }
}

bool is_harmless(char32_t code) {
    return code < 0x7F || is_plain(code);
}

}  // namespace

ordered_json json_row(const Dataset& data, const Row& row) {
    ordered_json object = ordered_json::object();
    for (std::size_t i = 0; i < data.columns.size(); ++i) {
        if (!data.columns[i].table_only) {
            object[output_key(data.columns[i])] = json_cell(data.columns[i], row[i]);
        }
    }
    return object;
}

ordered_json json_rows(const Dataset& data) {
    ordered_json array = ordered_json::array();
    for (const Row& row : data.rows) {
        array.push_back(json_row(data, row));
    }
    return array;
}

std::string json_text(const ordered_json& document, bool one_line) {
    const std::string dumped =
        document.dump(one_line ? -1 : 2, ' ', false, ordered_json::error_handler_t::replace);
    // Everything beyond ASCII is inside a string here, so an escape may stand
    // in its place.  The library itself escapes below U+0020 only.
    std::string out;
    out.reserve(dumped.size() + 1);
    for (std::size_t i = 0; i < dumped.size();) {
        const Glyph glyph = decode_utf8(dumped, i);
        if (is_harmless(glyph.code)) {
            out.append(dumped, i, glyph.length);
        } else if (glyph.code < 0x10000) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(glyph.code));
        } else {
            const unsigned rest = static_cast<unsigned>(glyph.code) - 0x10000;
            out +=
                fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
        }
        i += glyph.length;
    }
    out += '\n';
    return out;
}

}  // namespace leash::tool
