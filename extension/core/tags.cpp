#include "tags.h"

#include <string_view>

namespace leash {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

// What follows a block comment at the start of a text, which nests; at most the whole.
std::string_view after_block(std::string_view text) {
    int depth = 0;
    for (size_t i = 0; i + 1 < text.size(); i++) {
        if (text[i] == '/' && text[i + 1] == '*') {
            depth++;
            i++;
        } else if (text[i] == '*' && text[i + 1] == '/') {
            depth--;
            i++;
            if (depth == 0) {
                return text.substr(i + 1);
            }
        }
    }
    return {};
}

// URL-decodes into a bounded buffer.  A zero byte ("%00") cannot be stored and is
// left out; a broken escape is kept as it stands.
void decode(std::string_view text, char (&out)[kTagSize]) {
    size_t used = 0;
    for (size_t i = 0; i < text.size() && used < kTagSize - 1; i++) {
        char c = text[i];
        if (c == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            c = static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else if (c == '\\' && i + 1 < text.size() && text[i + 1] == '\'') {
            c = '\'';
            i++;
        }
        if (c != '\0') {
            out[used++] = c;
        }
    }
    out[used] = '\0';
}

}  // namespace

std::string_view comment_of(const char* text, size_t length) {
    std::string_view all(text, length);
    while (!all.empty() && (is_space(all.back()) || all.back() == ';')) {
        all.remove_suffix(1);
    }
    while (!all.empty() && is_space(all.front())) {
        all.remove_prefix(1);
    }
    if (all.ends_with("*/")) {
        const size_t begin = all.rfind("/*");
        if (begin != std::string_view::npos && begin + 4 <= all.size()) {
            return all.substr(begin);
        }
    }
    if (all.starts_with("/*")) {
        const size_t close = all.find("*/", 2);
        if (close != std::string_view::npos) {
            return all.substr(0, close + 2);
        }
    }
    return {};
}

bool only_comments(const char* text, size_t length) {
    std::string_view rest(text, length);
    while (!rest.empty()) {
        if (is_space(rest.front())) {
            rest.remove_prefix(1);
        } else if (rest.starts_with("/*")) {
            rest = after_block(rest);
        } else if (rest.starts_with("--")) {
            const size_t end = rest.find_first_of("\r\n");
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end);
        } else {
            return false;
        }
    }
    return true;
}

TagReader::TagReader(const char* text, size_t length) {
    const std::string_view comment = comment_of(text, length);
    if (!comment.empty()) {
        at_ = comment.data() + 2;
        end_ = comment.data() + comment.size() - 2;
    }
}

bool TagReader::next(char (&key)[kTagSize], char (&value)[kTagSize]) {
    while (at_ < end_ && (is_space(*at_) || *at_ == ',')) {
        at_++;
    }
    const std::string_view rest(at_, static_cast<size_t>(end_ - at_));
    const size_t equals = rest.find("='");
    if (count_ == kMaxTags || equals == 0 || equals == std::string_view::npos) {
        return false;
    }
    const std::string_view name = rest.substr(0, equals);
    for (const char c : name) {
        if (is_space(c) || c == '\'' || c == ',') {
            return false;
        }
    }
    size_t quote = equals + 2;
    while (quote < rest.size() && (rest[quote] != '\'' || rest[quote - 1] == '\\')) {
        quote++;
    }
    if (quote >= rest.size()) {
        return false;
    }
    decode(name, key);
    decode(rest.substr(equals + 2, quote - equals - 2), value);
    at_ += quote + 1;
    count_++;
    return true;
}

}  // namespace leash
