// What the policy commands share.
#pragma once

#include <span>
#include <vector>

#include "commands/context.h"
#include "policy/diff.h"
#include "policy/file.h"

namespace leash::tool {

int run_policy_list(Context& context);
int run_policy_show(Context& context);
int run_policy_diff(Context& context, std::span<const FilePolicy> file);
int run_policy_apply(Context& context, std::span<const FilePolicy> file);
int run_policy_test(Context& context, std::span<const FilePolicy> file);

std::vector<PolicyRow> rows_of(std::span<const FilePolicy> policies);

}  // namespace leash::tool
