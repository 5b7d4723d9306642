#include "core/duration.h"

#include "fuzz.h"

namespace leash::fuzz {
namespace {

void check_format(int64_t us) {
    Exactly buffer(kDurationTextSize);
    const size_t length = format_duration(us, buffer.data(), buffer.size());
    must(length < buffer.size() && buffer.data()[length] == '\0', "a duration's text has an end");
    const ParsedDuration back = parse_duration({buffer.data(), length});
    if (us < 0 || us > kMaxDurationUs) {
        return;
    }
    must(back.ok(), "a duration that was written can be read");
    must(back.microseconds <= us, "a duration is rounded down");
    Exactly again(kDurationTextSize);
    const size_t same = format_duration(back.microseconds, again.data(), again.size());
    must(std::string_view(again.data(), same) == std::string_view(buffer.data(), length),
         "what was read is written the same");
}

}  // namespace
}  // namespace leash::fuzz

FUZZ_TARGET(duration) {
    Exactly text(Input(data, size).rest());
    const ParsedDuration parsed = parse_duration(text.view());
    if (parsed.ok()) {
        must(parsed.microseconds >= 0 && parsed.microseconds <= kMaxDurationUs,
             "a duration is within bounds");
        check_format(parsed.microseconds);
    }
    must(describe(parsed.problem)[0] != '\0', "a problem has a name");
    check_format(static_cast<int64_t>(Input(data, size).number()));
}
