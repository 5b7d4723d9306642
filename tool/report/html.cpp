#include "report/html.h"

#include "render/text.h"

namespace leash::tool {

Html Html::verbatim(std::string_view code) {
    Html html;
    html.code_ = code;
    return html;
}

// Neither "</script>" nor "<!--" can be in it; whoever parses it sees the same text.
Html Html::json(const nlohmann::ordered_json& document) {
    Html html;
    const bool ascii = true;
    for (const char c :
         document.dump(-1, ' ', ascii, nlohmann::ordered_json::error_handler_t::replace)) {
        switch (c) {
            case '<':
                html.code_ += "\\u003c";
                break;
            case '>':
                html.code_ += "\\u003e";
                break;
            case '&':
                html.code_ += "\\u0026";
                break;
            default:
                html.code_ += c;
        }
    }
    return html;
}

void Html::append_escaped(const std::string& text) {
    // First whatever is invisible, moves the cursor or turns the direction of writing.
    for (const char c : printable(text)) {
        switch (c) {
            case '<':
                code_ += "&lt;";
                break;
            case '>':
                code_ += "&gt;";
                break;
            case '&':
                code_ += "&amp;";
                break;
            case '"':
                code_ += "&quot;";
                break;
            case '\'':
                code_ += "&#39;";
                break;
            case '`':
                code_ += "&#96;";
                break;
            default:
                code_ += c;
        }
    }
}

std::string cut(const std::string& text, std::size_t characters) {
    TextStyle style;
    style.collapse_space = true;
    return shorten(printable(text, style), characters);
}

}  // namespace leash::tool
