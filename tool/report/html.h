// HTML that nobody else's text can break out of.  What is streamed into Html is, by its
// type, one of three things:
//
//     out << "<td>";              a literal of the source: markup, as it stands
//     out << application_name;    a std::string: text, escaped
//     out << other_html;          Html made the same way
//
// A char pointer that is no literal does not compile.  Attribute values are always
// written in double quotes; the same escaping holds in them.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace leash::tool {

/// Markup: known when the program is compiled.
struct Markup {
    // NOLINTNEXTLINE(google-explicit-constructor): a literal is what it is for
    consteval Markup(const char* literal) : code(literal) {}
    std::string_view code;
};

class Html {
public:
    Html() = default;

    Html& operator<<(Markup markup) {
        code_ += markup.code;
        return *this;
    }
    Html& operator<<(const Html& html) {
        code_ += html.code_;
        return *this;
    }
    template <std::same_as<std::string> Text>
    Html& operator<<(const Text& text) {
        append_escaped(text);
        return *this;
    }
    template <std::integral Number>
    Html& operator<<(Number number) {
        code_ += std::to_string(number);
        return *this;
    }
    Html& operator<<(double) = delete;  // with how many digits?

    /// As it is: for files that are part of the program.
    static Html verbatim(std::string_view code);

    /// For <script type="application/json">.
    static Html json(const nlohmann::ordered_json& document);

    bool empty() const { return code_.empty(); }
    const std::string& code() const { return code_; }

private:
    void append_escaped(const std::string& text);

    std::string code_;
};

/// At most so many characters, the last one an ellipsis; white space is one blank.  For
/// statements and names of any length.
std::string cut(const std::string& text, std::size_t characters);

}  // namespace leash::tool
