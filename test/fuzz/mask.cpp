#include "core/mask.h"

#include "fuzz.h"

namespace leash::fuzz {
namespace {

std::string masked(std::string_view text, MaskOptions options, size_t room) {
    Exactly copy(text);
    Exactly buffer(room);
    const size_t length = mask_literals(copy.data(), copy.size(), options, buffer.data(), room);
    must(length <= room, "no more is written than there is room for");
    return {buffer.data(), length};
}

std::string masked(std::string_view text, MaskOptions options) {
    return masked(text, options, 4 * text.size() + 16);
}

bool continues_name(char c) {
    return isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
}

// No string and no number is left outside names.
void check_no_literal(const std::string& text) {
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '"') {
            const size_t end = text.find('"', i + 1);
            if (end == std::string::npos) {
                return;  // a name that was cut
            }
            i = end;
            continue;
        }
        must(text[i] != '\'', "no string is left");
        const bool digit = text[i] >= '0' && text[i] <= '9';
        must(!digit || (i > 0 && continues_name(text[i - 1])), "no number is left");
    }
}

std::string doubled(std::string_view text, std::string_view which) {
    std::string out;
    for (const char c : text) {
        out += c;
        if (which.find(c) != std::string_view::npos) {
            out += c;
        }
    }
    return out;
}

void must_hide(const std::string& literal, MaskOptions options) {
    must(masked("SELECT " + literal + " FROM t", options) == "SELECT ? FROM t",
         "a literal becomes one question mark");
}

// Whatever the bytes are: as a literal of each kind they disappear.
void check_literals(std::string_view bytes) {
    must_hide("'" + doubled(bytes, "'") + "'", {.backslash_escapes = false});
    must_hide("'" + doubled(bytes, "'\\") + "'", {.backslash_escapes = true});
    must_hide("E'" + doubled(bytes, "'\\") + "'", {.backslash_escapes = false});
    must_hide("U&'" + doubled(bytes, "'") + "'", {.backslash_escapes = false});
    if (bytes.find('$') == std::string_view::npos) {
        must_hide("$tag$" + std::string(bytes) + "$tag$", {.backslash_escapes = false});
    }
    if (bytes.find('*') == std::string_view::npos && bytes.find('/') == std::string_view::npos) {
        must(masked("a /*" + std::string(bytes) + "*/ b", {.backslash_escapes = false}) == "a b",
             "a comment goes");
    }
}

}  // namespace
}  // namespace leash::fuzz

FUZZ_TARGET(mask) {
    Input input(data, size);
    const uint8_t choice = input.byte();
    const MaskOptions options{.backslash_escapes = (choice & 1) != 0};
    const std::string all = masked(input.rest(), options);
    check_no_literal(all);
    must(masked(input.rest(), options, choice) == all.substr(0, choice),
         "in less room stands the beginning of the same");
    must(masked(all, options) == all, "what is masked stays as it is");
    check_literals(input.rest());
}
