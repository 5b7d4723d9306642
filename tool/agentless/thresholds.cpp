#include "agentless/thresholds.h"

namespace leash::tool {

ChosenThresholds read_thresholds(ConfigTable table) {
    ChosenThresholds chosen;
    chosen.idle_in_transaction = table.duration("idle_in_transaction_threshold");
    chosen.idle = table.duration("idle_threshold");
    chosen.never_used = table.duration("never_used_threshold");
    chosen.stalled_client = table.duration("stalled_client_threshold");
    chosen.slow_statement = table.duration("slow_statement_threshold");
    table.refuse_others();
    return chosen;
}

AgentlessThresholds merged(const ChosenThresholds& file, const ChosenThresholds& command_line) {
    AgentlessThresholds thresholds;
    const auto choose = [&](std::int64_t AgentlessThresholds::*threshold,
                            std::optional<std::int64_t> ChosenThresholds::*chosen) {
        thresholds.*threshold =
            (command_line.*chosen).value_or((file.*chosen).value_or(thresholds.*threshold));
    };
    choose(&AgentlessThresholds::idle_in_transaction, &ChosenThresholds::idle_in_transaction);
    choose(&AgentlessThresholds::idle, &ChosenThresholds::idle);
    choose(&AgentlessThresholds::never_used, &ChosenThresholds::never_used);
    choose(&AgentlessThresholds::stalled_client, &ChosenThresholds::stalled_client);
    choose(&AgentlessThresholds::slow_statement, &ChosenThresholds::slow_statement);
    return thresholds;
}

}  // namespace leash::tool
