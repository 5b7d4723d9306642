#include "core/session_id.h"

#include "fuzz.h"

namespace leash::fuzz {
namespace {

void check_round_trip(const SessionId& id) {
    Exactly buffer(kSessionIdLength + 1);
    format_session_id(id, buffer.data());
    SessionId again{};
    must(parse_session_id(buffer.data(), again) && again == id, "an id reads back the same");
}

}  // namespace
}  // namespace leash::fuzz

FUZZ_TARGET(session_id) {
    Input input(data, size);
    const std::string text = input.text();
    Exactly copy(std::string_view(text.c_str(), text.size() + 1));
    SessionId id{};
    if (parse_session_id(copy.data(), id)) {
        must(id.start_time > 0 && id.pid > 0, "both numbers are positive");
        check_round_trip(id);
    }
    id = {static_cast<int64_t>(input.number() >> 1 | 1), static_cast<int32_t>(input.byte() + 1)};
    check_round_trip(id);
}
