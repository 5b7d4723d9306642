#include "duration.h"

namespace leash {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t microseconds;
};

// Largest first; parse_duration relies on the order.
constexpr Unit kUnits[] = {
    {"d", std::int64_t{86'400'000'000}},
    {"h", std::int64_t{3'600'000'000}},
    {"min", 60'000'000},
    {"s", 1'000'000},
    {"ms", 1'000},
    {"us", 1},
};
constexpr int kUnitCount = sizeof(kUnits) / sizeof(kUnits[0]);
constexpr int kFractionDigits = 6;

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_space(char c) {
    return c == ' ' || c == '\t';
}
constexpr bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

struct Number {
    std::int64_t whole = 0;
    std::int64_t fraction = 0;  // millionths
    bool valid = false;
    bool too_large = false;
};

// Takes digits[.digits] off the front of text.
Number take_number(std::string_view& text) {
    Number number;
    bool any = false;
    while (!text.empty() && is_digit(text.front())) {
        // A value beyond the maximum in the smallest unit is beyond it in all.
        if (number.whole > kMaxDurationUs) {
            number.too_large = true;
        } else {
            number.whole = number.whole * 10 + (text.front() - '0');
        }
        text.remove_prefix(1);
        any = true;
    }
    if (!text.empty() && text.front() == '.') {
        text.remove_prefix(1);
        std::int64_t scale = 100'000;
        for (int digit = 0; !text.empty() && is_digit(text.front()); ++digit) {
            if (digit < kFractionDigits) {
                number.fraction += (text.front() - '0') * scale;
                scale /= 10;
            }
            text.remove_prefix(1);
            any = true;
        }
    }
    number.valid = any;
    return number;
}

std::string_view take_word(std::string_view& text) {
    std::size_t length = 0;
    while (length < text.size() && is_letter(text[length])) {
        ++length;
    }
    const std::string_view word = text.substr(0, length);
    text.remove_prefix(length);
    return word;
}

int find_unit(std::string_view name) {
    for (int i = 0; i < kUnitCount; ++i) {
        if (kUnits[i].name == name) {
            return i;
        }
    }
    return -1;
}

constexpr ParsedDuration failed(DurationProblem problem) {
    return {0, problem};
}

class Writer {
public:
    explicit Writer(char* buffer) : buffer_(buffer) {}

    void text(std::string_view part) {
        for (const char c : part) {
            buffer_[length_++] = c;
        }
    }

    void number(std::uint64_t value) {
        char digits[20];
        int count = 0;
        do {
            digits[count++] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value > 0);
        while (count > 0) {
            buffer_[length_++] = digits[--count];
        }
    }

    std::size_t finish() {
        buffer_[length_] = '\0';
        return length_;
    }

private:
    char* buffer_;
    std::size_t length_ = 0;
};

void write_below_a_minute(Writer& out, std::uint64_t us) {
    if (us < 1'000) {
        out.number(us);
        out.text(us == 0 ? "s" : "us");
        return;
    }
    const std::uint64_t unit = us < 1'000'000 ? 1'000 : 1'000'000;
    out.number(us / unit);
    if (us < 10 * unit) {
        out.text(".");
        out.number(us * 10 / unit % 10);
    }
    out.text(unit == 1'000 ? "ms" : "s");
}

}  // namespace

ParsedDuration parse_duration(std::string_view text) noexcept {
    text = trim(text);
    if (text.empty()) {
        return failed(DurationProblem::kEmpty);
    }
    if (text.front() == '-') {
        return failed(DurationProblem::kNegative);
    }
    std::int64_t total = 0;
    int previous_unit = -1;
    while (!text.empty()) {
        const Number number = take_number(text);
        if (!number.valid) {
            return failed(DurationProblem::kMalformed);
        }
        text = trim(text);
        const std::string_view word = take_word(text);
        if (word.empty()) {
            return failed(text.empty() ? DurationProblem::kNoUnit : DurationProblem::kMalformed);
        }
        const int unit = find_unit(word);
        if (unit < 0) {
            return failed(DurationProblem::kUnknownUnit);
        }
        if (unit <= previous_unit) {
            return failed(DurationProblem::kMalformed);
        }
        previous_unit = unit;
        const std::int64_t scale = kUnits[unit].microseconds;
        if (number.too_large || number.whole > kMaxDurationUs / scale) {
            return failed(DurationProblem::kTooLarge);
        }
        total += number.whole * scale + number.fraction * scale / 1'000'000;
        if (total > kMaxDurationUs) {
            return failed(DurationProblem::kTooLarge);
        }
        text = trim(text);
    }
    return {total, DurationProblem::kNone};
}

const char* describe(DurationProblem problem) noexcept {
    switch (problem) {
        case DurationProblem::kNone:
            return "it is fine";
        case DurationProblem::kEmpty:
            return "it is empty";
        case DurationProblem::kMalformed:
            return "it is malformed";
        case DurationProblem::kNegative:
            return "it is negative";
        case DurationProblem::kNoUnit:
            return "it has no unit";
        case DurationProblem::kUnknownUnit:
            return "its unit is unknown";
        case DurationProblem::kTooLarge:
            return "it is too large";
    }
    return "it is malformed";
}

std::size_t format_duration(std::int64_t microseconds, char* buffer, std::size_t size) noexcept {
    if (size < kDurationTextSize) {
        return 0;
    }
    Writer out(buffer);
    std::uint64_t us = static_cast<std::uint64_t>(microseconds);
    if (microseconds < 0) {
        out.text("-");
        us = 0 - us;
    }
    const std::uint64_t minute = 60'000'000;
    if (us < minute) {
        write_below_a_minute(out, us);
        return out.finish();
    }
    // Two neighbouring units: days and hours, hours and minutes, minutes and seconds.
    int large = 0;
    while (us < static_cast<std::uint64_t>(kUnits[large].microseconds)) {
        ++large;
    }
    const Unit& first = kUnits[large];
    const Unit& second = kUnits[large + 1];
    out.number(us / static_cast<std::uint64_t>(first.microseconds));
    out.text(first.name);
    const std::uint64_t rest = us % static_cast<std::uint64_t>(first.microseconds) /
                               static_cast<std::uint64_t>(second.microseconds);
    if (rest > 0) {
        out.text(" ");
        out.number(rest);
        out.text(second.name);
    }
    return out.finish();
}

}  // namespace leash
