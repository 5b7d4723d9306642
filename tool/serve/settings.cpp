#include "serve/settings.h"

#include "config/settings.h"

namespace leash::tool {
namespace {

std::optional<double> seconds_of(const Settings& settings, std::string_view key) {
    const SettingValue* value = settings.find(key);
    return value == nullptr ? std::nullopt
                            : std::optional(static_cast<double>(value->number) / 1e6);
}

template <typename Value>
void prefer(std::optional<Value>& value, const std::optional<Value>& other) {
    if (other) {
        value = other;
    }
}

}  // namespace

ServeChoices serve_choices(const Settings& settings) {
    ServeChoices choices;
    if (const SettingValue* listen = settings.find("serve.listen")) {
        choices.listen = parse_listen_address(listen->place, listen->text);
    }
    choices.timeout_seconds = seconds_of(settings, "serve.timeout");
    choices.client_timeout_seconds = seconds_of(settings, "serve.client_timeout");
    return choices;
}

ServeChoices merged(ServeChoices settings, const ServeChoices& command_line) {
    prefer(settings.listen, command_line.listen);
    prefer(settings.timeout_seconds, command_line.timeout_seconds);
    prefer(settings.client_timeout_seconds, command_line.client_timeout_seconds);
    return settings;
}

ServeSettings completed(const ServeChoices& choices) {
    ServeSettings settings;
    settings.listen =
        choices.listen ? *choices.listen : parse_listen_address("--listen", kDefaultListenAddress);
    settings.timeout_seconds = choices.timeout_seconds.value_or(settings.timeout_seconds);
    settings.client_timeout_seconds =
        choices.client_timeout_seconds.value_or(settings.client_timeout_seconds);
    return settings;
}

}  // namespace leash::tool
