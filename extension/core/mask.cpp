#include "mask.h"

#include <cstring>

namespace leash {
namespace {

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool continues_name(char c) {
    return starts_name(c) || is_digit(c);
}

class Masker {
public:
    Masker(const char* text, size_t length, const MaskOptions& options, char* buffer, size_t size)
        : at_(text), end_(text + length), options_(options), buffer_(buffer), size_(size) {}

    size_t run() {
        while (at_ < end_ && written_ < size_) {
            step();
        }
        return written_;
    }

private:
    char peek(size_t ahead = 0) const {
        return static_cast<size_t>(end_ - at_) > ahead ? at_[ahead] : '\0';
    }

    // --- what is written ------------------------------------------------------

    void put(char c) {
        if (written_ < size_) {
            buffer_[written_++] = c;
        }
    }

    // A token of one or more bytes; white space before it is one blank.
    void put_token(const char* token, size_t length) {
        if (blank_ && written_ > 0) {
            put(' ');
        }
        blank_ = false;
        for (size_t i = 0; i < length; i++) {
            put(token[i]);
        }
    }

    // After "?" and a comma: one more literal is one of a list, and is left out.
    void put_literal() {
        const bool in_list = list_ == List::comma || list_ == List::dots_comma;
        if (in_list && ends_item()) {
            if (list_ == List::comma) {
                put_token("...", 3);
            }
            list_ = List::dots;
        } else {
            if (list_ == List::dots_comma) {
                put(',');
            }
            put_token("?", 1);
            list_ = List::literal;
        }
        blank_ = false;
    }

    // Not an operand: what follows is a comma, or closes the list.
    bool ends_item() const {
        const char* next = at_;
        while (next < end_ && is_space(*next)) {
            next++;
        }
        return next == end_ || *next == ',' || *next == ')' || *next == ';';
    }

    void put_other(const char* token, size_t length) {
        const bool comma = length == 1 && *token == ',';
        if (comma && list_ == List::dots) {
            list_ = List::dots_comma;  // written when what follows is no literal
            return;
        }
        if (list_ == List::dots_comma) {
            put(',');
        }
        put_token(token, length);
        list_ = comma && list_ == List::literal ? List::comma : List::none;
    }

    // --- what is read ---------------------------------------------------------

    void step() {
        const char c = peek();
        if (is_space(c)) {
            at_++;
            blank_ = true;
        } else if (c == '-' && peek(1) == '-') {
            skip_line();
        } else if (c == '/' && peek(1) == '*') {
            skip_comment();
        } else if (c == '\'') {
            at_++;
            skip_string(options_.backslash_escapes);
            put_literal();
        } else if (c == '"') {
            name_in_quotes();
        } else if (c == '$') {
            dollar();
        } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
            number();
        } else if (starts_name(c)) {
            name();
        } else {
            put_other(at_++, 1);
        }
    }

    void skip_line() {
        while (at_ < end_ && *at_ != '\n' && *at_ != '\r') {
            at_++;
        }
        blank_ = true;
    }

    void skip_comment() {
        int depth = 0;
        do {
            if (peek() == '/' && peek(1) == '*') {
                depth++;
                at_ += 2;
            } else if (peek() == '*' && peek(1) == '/') {
                depth--;
                at_ += 2;
            } else {
                at_++;
            }
        } while (depth > 0 && at_ < end_);
        blank_ = true;
    }

    // Behind the opening quote; to behind the closing one.
    void skip_string(bool backslash) {
        while (at_ < end_) {
            const char c = *at_++;
            if (c == '\\' && backslash) {
                at_ += at_ < end_ ? 1 : 0;
            } else if (c == '\'') {
                if (peek() != '\'') {
                    return;
                }
                at_++;
            }
        }
    }

    void name_in_quotes() {
        const char* const begin = at_++;
        while (at_ < end_ && !(*at_ == '"' && peek(1) != '"')) {
            at_ += *at_ == '"' ? 2 : 1;
        }
        at_ += at_ < end_ ? 1 : 0;
        put_other(begin, static_cast<size_t>(at_ - begin));
    }

    // $1 is a parameter and stays; $tag$ opens a string, but DO's code is read as such.
    void dollar() {
        const char* const begin = at_++;
        if (is_digit(peek())) {
            while (is_digit(peek())) {
                at_++;
            }
            put_other(begin, static_cast<size_t>(at_ - begin));
            return;
        }
        if (starts_name(peek())) {
            while (continues_name(peek())) {
                at_++;
            }
        }
        if (peek() != '$') {
            put_other(begin, static_cast<size_t>(at_ - begin));
            return;
        }
        at_++;
        if (in_do_) {
            put_other(begin, static_cast<size_t>(at_ - begin));
            return;
        }
        skip_dollar_string(begin, static_cast<size_t>(at_ - begin));
        put_literal();
    }

    void skip_dollar_string(const char* tag, size_t length) {
        while (at_ < end_) {
            if (static_cast<size_t>(end_ - at_) >= length && memcmp(at_, tag, length) == 0) {
                at_ += length;
                return;
            }
            at_++;
        }
    }

    // 1, 1.5, .5e-3, 0xff, 1_000; also the junk that PostgreSQL would refuse.
    void number() {
        while (continues_name(peek()) || peek() == '.') {
            const bool exponent = (peek() == 'e' || peek() == 'E') &&
                                  (peek(1) == '+' || peek(1) == '-') && is_digit(peek(2));
            at_ += exponent ? 2 : 1;
        }
        put_literal();
    }

    // A name; or the prefix of a string: e'', b'', x'', n'', u&''.
    void name() {
        const char* const begin = at_;
        while (continues_name(peek()) || (at_ > begin && peek() == '$')) {
            at_++;
        }
        const auto length = static_cast<size_t>(at_ - begin);
        const char first = static_cast<char>(*begin | 0x20);
        if (written_ == 0 && length == 2 && first == 'd' && (begin[1] | 0x20) == 'o') {
            in_do_ = true;
        }
        if (length == 1 && peek() == '\'' && strchr("ebxn", first) != nullptr) {
            at_++;
            skip_string(first == 'e' || options_.backslash_escapes);
            put_literal();
        } else if (length == 1 && first == 'u' && peek() == '&' && peek(1) == '\'') {
            at_ += 2;
            skip_string(false);
            put_literal();
        } else {
            put_other(begin, length);
        }
    }

    enum class List { none, literal, comma, dots, dots_comma };

    const char* at_;
    const char* const end_;
    const MaskOptions options_;
    char* const buffer_;
    const size_t size_;
    size_t written_ = 0;
    bool blank_ = false;
    bool in_do_ = false;
    List list_ = List::none;
};

}  // namespace

size_t mask_literals(const char* text, size_t length, const MaskOptions& options, char* buffer,
                     size_t size) {
    return Masker(text, length, options, buffer, size).run();
}

}  // namespace leash
