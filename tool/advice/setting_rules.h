// The rules behind advise_settings(), each of which adds what it finds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "advice/settings.h"

namespace leash::tool {

using SettingList = std::vector<SettingAdvice>;

/// The server's value of a setting, in its base unit (ms, s, 8kB).  nullopt: not known, or
/// it is the value of the role that looked.
std::optional<double> server_setting(const Evidence& evidence, std::string_view name);

/// Whether nobody has set it.
bool is_default(const Evidence& evidence, std::string_view name);

/// The value that sessions of a role start with, where role or database have one of
/// their own.
std::optional<std::string> role_setting(const Evidence& evidence, const std::string& role,
                                        std::string_view name);

/// 60 -> "1min"; for a statement.
std::string setting_text(double seconds);

/// The next of 1min, 5min, 10min, 30min, 1h, 2h, ... that is no less.
double round_duration(double seconds);

// Timeouts (timeout_rules.cpp).
void advise_idle_in_transaction(const Evidence& evidence, SettingList& list);
void advise_idle_session(const Evidence& evidence, SettingList& list);
void advise_ping_only(const Evidence& evidence, SettingList& list);
void advise_transaction_timeout(const Evidence& evidence, SettingList& list);
void advise_peers(const Evidence& evidence, SettingList& list);
void advise_node_clients(const Evidence& evidence, SettingList& list);

// The server's settings (server_rules.cpp).
void advise_tracking(const Evidence& evidence, SettingList& list);
void advise_reserve(const Evidence& evidence, SettingList& list);
void advise_role_limits(const Evidence& evidence, const PoolPlan& plan, SettingList& list);
void advise_max_connections(const Evidence& evidence, const PoolPlan& plan, SettingList& list);
void advise_shared_buffers(const Evidence& evidence, SettingList& list);
void advise_work_mem(const Evidence& evidence, SettingList& list);

}  // namespace leash::tool
