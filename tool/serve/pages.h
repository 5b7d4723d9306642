#pragma once

#include <chrono>
#include <map>
#include <string>

#include "cli/options.h"
#include "health/checks.h"
#include "serve/http_engine.h"
#include "serve/kept_server.h"

namespace leash::tool {

/// What pgleash serve has to show.  An answer is good for a second, so that any number of
/// clients that ask at the same time are one question to the server.
class Pages {
public:
    Pages(const Options& options, double seconds);

    HttpAnswer page(const std::string& path);

private:
    struct Recent {
        std::chrono::steady_clock::time_point made;
        HttpAnswer answer;
    };

    HttpAnswer metrics();
    HttpAnswer health();

    MetricsOptions metrics_options_;
    HealthSettings health_settings_;
    double seconds_;
    KeptServer server_;
    std::map<std::string, Recent> recent_;
};

}  // namespace leash::tool
