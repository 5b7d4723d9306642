// How advice on pools and settings reads: as a table with notes, and as rows.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "advice/clients.h"
#include "advice/pools.h"
#include "advice/settings.h"
#include "render/dataset.h"
#include "render/table.h"

namespace leash::tool {

/// Rows for JSON and CSV, and the columns of the table.  `chosen`: what --for names;
/// empty: what each application's name tells.
Dataset pool_rows(const PoolPlan& plan, const std::vector<const Client*>& chosen);

/// The plan's own numbers and notes, and its rows.
nlohmann::ordered_json pools_json(const PoolPlan& plan, const std::vector<const Client*>& chosen);

/// The table, what its numbers are, notes, and texts to paste, which are never wrapped.
std::string pools_text(const PoolPlan& plan, const std::vector<const Client*>& chosen,
                       const PoolOptions& options, const TableStyle& style);

Dataset setting_rows(const std::vector<SettingAdvice>& advice);

std::string settings_text(const std::vector<SettingAdvice>& advice, const TableStyle& style);

}  // namespace leash::tool
