#include "policy/toml.h"

#include <string_view>

#include <fmt/format.h>

#include "render/text.h"

namespace leash::tool {
namespace {

// A basic string.  What could disturb a terminal is escaped as well: it reads back
// the same.
std::string quoted(const std::string& raw) {
    const std::string text = valid_utf8(raw);
    std::string out = "\"";
    for (std::size_t i = 0; i < text.size();) {
        const Glyph glyph = decode_utf8(text, i);
        if (glyph.code == '"' || glyph.code == '\\') {
            out += '\\';
            out += text[i];
        } else if (glyph.code == '\n') {
            out += "\\n";
        } else if (glyph.code == '\t') {
            out += "\\t";
        } else if (is_plain(glyph.code)) {
            out.append(text, i, glyph.length);
        } else if (glyph.code < 0x10000) {
            out += fmt::format("\\u{:04X}", static_cast<unsigned>(glyph.code));
        } else {
            out += fmt::format("\\U{:08X}", static_cast<unsigned>(glyph.code));
        }
        i += glyph.length;
    }
    return out + "\"";
}

std::string real_text(double value) {
    std::string text = fmt::format("{}", value);
    if (text.find_first_of(".en") == std::string::npos) {
        text += ".0";
    }
    return text;
}

}  // namespace

std::string toml_value(const PolicyValue& value) {
    struct Writer {
        std::string operator()(std::monostate) const { return "-"; }
        std::string operator()(const std::string& text) const { return quoted(text); }
        std::string operator()(std::int64_t number) const { return std::to_string(number); }
        std::string operator()(double number) const { return real_text(number); }
        std::string operator()(bool truth) const { return truth ? "true" : "false"; }
        std::string operator()(Microseconds us) const { return quoted(exact_duration(us.value)); }
        std::string operator()(const std::vector<std::string>& items) const {
            std::string out = "[";
            for (const std::string& item : items) {
                out += (out.size() > 1 ? ", " : "") + quoted(item);
            }
            return out + "]";
        }
    };
    return std::visit(Writer{}, value);
}

std::string policy_toml(const PolicyRow& policy) {
    std::string out = fmt::format("[[policy]]\nname = {}\n", quoted(policy.name));
    for (std::size_t i = 0; i < kPolicyColumnCount; ++i) {
        const std::string_view name = policy_columns()[i].name;
        if (name == "mode" || name == "action" || !is_fallback(i, policy.values[i])) {
            out += fmt::format("{} = {}\n", name, toml_value(policy.values[i]));
        }
    }
    return out;
}

std::string policies_toml(std::span<const PolicyRow> policies) {
    std::string out;
    for (const PolicyRow& policy : policies) {
        out += (out.empty() ? "" : "\n") + policy_toml(policy);
    }
    return out;
}

}  // namespace leash::tool
