// How pgleash serve is to run.
#pragma once

#include <optional>

#include "serve/listen_address.h"

namespace leash::tool {

class Settings;

/// Those that somebody chose.
struct ServeChoices {
    std::optional<ListenAddress> listen;
    std::optional<double> timeout_seconds;
    std::optional<double> client_timeout_seconds;
};

struct ServeSettings {
    ListenAddress listen;
    double timeout_seconds = 5;         ///< for a statement
    double client_timeout_seconds = 5;  ///< for a client to ask, and to take the answer
};

/// What files and variables say.
ServeChoices serve_choices(const Settings& settings);

/// The command line wins.
ServeChoices merged(ServeChoices settings, const ServeChoices& command_line);

/// With the defaults for what nobody chose.
ServeSettings completed(const ServeChoices& choices);

}  // namespace leash::tool
