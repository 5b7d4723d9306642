#include "config/registry.h"

#include <algorithm>
#include <cctype>

#include "serve/listen_address.h"

namespace leash::tool {
namespace {

using Type = SettingType;

constexpr Setting kSettings[] = {
    {.key = "dsn",
     .fallback = "",
     .meaning = "where to connect, unless -h or -d says so (in a file: or a PG* variable)",
     .words = "host=db1 dbname=postgres user=monitor"},
    {.key = "format",
     .type = Type::kChoice,
     .fallback = "table",
     .meaning = "of what lists rows, unless --format, --json or --csv is given",
     .words = "table json csv"},
    {.key = "color",
     .type = Type::kChoice,
     .fallback = "auto",
     .meaning = "as --color",
     .words = "auto always never"},
    {.key = "health.timeout",
     .type = Type::kDuration,
     .fallback = "10s",
     .meaning = "UNKNOWN after so long, as --timeout",
     .may_be_zero = false},
    {.key = "health.only",
     .type = Type::kTexts,
     .fallback = "",
     .meaning = "these checks only; none: all of them",
     .words = "connections, leaked"},
    {.key = "health.skip",
     .type = Type::kTexts,
     .fallback = "",
     .meaning = "not these checks",
     .words = "refused"},
    {.key = "health.warning.*",
     .type = Type::kLimit,
     .fallback = "",
     .meaning = "limit of a check for WARNING instead of the server's",
     .words = "connections = 0.7"},
    {.key = "health.critical.*",
     .type = Type::kLimit,
     .fallback = "",
     .meaning = "limit of a check for CRITICAL instead of the server's",
     .words = "cache_hit = \"0.5:\""},
    {.key = "serve.listen",
     .type = Type::kAddress,
     .fallback = kDefaultListenAddress,
     .meaning = "where to listen, as --listen"},
    {.key = "serve.timeout",
     .type = Type::kDuration,
     .fallback = "5s",
     .meaning = "no statement takes longer, as --timeout",
     .may_be_zero = false},
    {.key = "serve.client_timeout",
     .type = Type::kDuration,
     .fallback = "5s",
     .meaning = "a client has so long to ask, as --client-timeout",
     .may_be_zero = false},
    {.key = "agentless.idle_threshold",
     .type = Type::kDuration,
     .fallback = "10min",
     .meaning = "idle too long"},
    {.key = "agentless.idle_in_transaction_threshold",
     .type = Type::kDuration,
     .fallback = "1min",
     .meaning = "idle too long in a transaction"},
    {.key = "agentless.never_used_threshold",
     .type = Type::kDuration,
     .fallback = "10min",
     .meaning = "connected too long without a statement"},
    {.key = "agentless.stalled_client_threshold",
     .type = Type::kDuration,
     .fallback = "1min",
     .meaning = "a client that neither sends nor reads for too long"},
    {.key = "agentless.slow_statement_threshold",
     .type = Type::kDuration,
     .fallback = "1s",
     .meaning = "slow in the mean of pg_stat_statements"},
    {.key = "metrics.top",
     .type = Type::kCount,
     .fallback = "50",
     .meaning = "applications told apart in metrics, as --top"},
};

// "table json csv" as "table, json or csv".
std::string listed(std::string_view words) {
    std::string out;
    for (std::size_t at = 0; at < words.size();) {
        const std::size_t end = std::min(words.find(' ', at), words.size());
        out += at == 0 ? "" : end == words.size() ? " or " : ", ";
        out += words.substr(at, end - at);
        at = end + 1;
    }
    return out;
}

}  // namespace

std::span<const Setting> registry() {
    return kSettings;
}

std::string variable_of(std::string_view key) {
    if (key.ends_with('*')) {
        key.remove_suffix(1);
    }
    std::string name = "PGLEASH_";
    for (const char c : key) {
        const bool alphanumeric = std::isalnum(static_cast<unsigned char>(c)) != 0;
        name += alphanumeric ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : '_';
    }
    return name;
}

std::string wanted_of(const Setting& setting) {
    switch (setting.type) {
        case Type::kText:
            return "a connection string or URI";
        case Type::kChoice:
            return listed(setting.words);
        case Type::kDuration:
            return setting.may_be_zero ? "a duration, such as 90s or 5min"
                                       : "a duration above zero, such as 90s or 5min";
        case Type::kTexts:
            return "names with commas between them";
        case Type::kLimit:
            return "a number such as 0.9, with a colon behind it where lower values are worse, "
                   "or off";
        case Type::kCount:
            return "a whole number from 1 on";
        case Type::kAddress:
            return "ADDRESS:PORT, such as 127.0.0.1:19187 or [::1]:19187";
    }
    return {};
}

}  // namespace leash::tool
