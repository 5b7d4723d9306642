#include "core/control_request.h"

#include <algorithm>

#include "fuzz.h"

namespace leash::fuzz {
namespace {

bool same(const ControlRequest& a, const ControlRequest& b) {
    return a.verb == b.verb && a.session == b.session && a.force == b.force &&
           strcmp(a.reason, b.reason) == 0;
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string line_of(const ControlRequest& request) {
    Exactly buffer(kControlRequestSize);
    const size_t length = format_control_request(request, buffer.data());
    must(length > 0 && length < kControlRequestSize && buffer.data()[length] == '\0' &&
             buffer.data()[length - 1] == '\n',
         "a request is one line with an end");
    const std::string line(buffer.data(), length - 1);
    must(std::none_of(line.begin(), line.end(), is_control),
         "a request has no control character in it");
    return line;
}

void check_round_trip(const ControlRequest& request) {
    ControlRequest again{};
    must(parse_control_request(line_of(request), again) == RequestProblem::none &&
             same(request, again),
         "a request reads back the same");
}

// Whatever the reason is, it stays one.
void check_reason(Input input) {
    ControlRequest request{};
    request.verb = ControlVerb::terminate;
    request.session = {static_cast<int64_t>(input.number() >> 1 | 1), input.byte() + 1};
    request.force = (input.byte() & 1) != 0;
    const std::string reason = input.text().substr(0, kControlReasonSize - 1);
    memcpy(request.reason, reason.c_str(), reason.size() + 1);
    ControlRequest again{};
    must(parse_control_request(line_of(request), again) == RequestProblem::none,
         "any reason can be sent");
    std::replace_if(request.reason, request.reason + reason.size(), is_control, ' ');
    must(same(request, again), "a reason arrives, with blanks for control characters");
}

}  // namespace
}  // namespace leash::fuzz

FUZZ_TARGET(control_request) {
    const Input input(data, size);
    Exactly line(input.rest());
    ControlRequest request{};
    const RequestProblem problem = parse_control_request(line.view(), request);
    if (problem == RequestProblem::none) {
        check_round_trip(request);
    } else {
        must(describe(problem)[0] != '\0', "a problem has a name");
    }
    check_reason(input);
}
