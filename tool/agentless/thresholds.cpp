#include "agentless/thresholds.h"

namespace leash::tool {
namespace {

using Chosen = std::optional<std::int64_t> ChosenThresholds::*;

struct Threshold {
    const char* key;
    std::int64_t AgentlessThresholds::*value;
    Chosen chosen;
};

constexpr Threshold kThresholds[] = {
    {"agentless.idle_threshold", &AgentlessThresholds::idle, &ChosenThresholds::idle},
    {"agentless.idle_in_transaction_threshold", &AgentlessThresholds::idle_in_transaction,
     &ChosenThresholds::idle_in_transaction},
    {"agentless.never_used_threshold", &AgentlessThresholds::never_used,
     &ChosenThresholds::never_used},
    {"agentless.stalled_client_threshold", &AgentlessThresholds::stalled_client,
     &ChosenThresholds::stalled_client},
    {"agentless.slow_statement_threshold", &AgentlessThresholds::slow_statement,
     &ChosenThresholds::slow_statement},
};

}  // namespace

ChosenThresholds chosen_thresholds(const Settings& settings) {
    ChosenThresholds chosen;
    for (const Threshold& threshold : kThresholds) {
        if (const SettingValue* value = settings.find(threshold.key)) {
            chosen.*threshold.chosen = value->number;
        }
    }
    return chosen;
}

ChosenThresholds merged(const ChosenThresholds& command_line, const ChosenThresholds& settings) {
    ChosenThresholds chosen = command_line;
    for (const Threshold& threshold : kThresholds) {
        if (!(chosen.*threshold.chosen)) {
            chosen.*threshold.chosen = settings.*threshold.chosen;
        }
    }
    return chosen;
}

AgentlessThresholds completed(const ChosenThresholds& chosen) {
    AgentlessThresholds thresholds;
    for (const Threshold& threshold : kThresholds) {
        thresholds.*threshold.value =
            (chosen.*threshold.chosen).value_or(thresholds.*threshold.value);
    }
    return thresholds;
}

}  // namespace leash::tool
