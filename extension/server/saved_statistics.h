// The statistics that survive a restart: applications, slow statements, their summary.
// Functions for SavedPart, see saved_state.h.
#pragma once

#include "server/shared_state.h"

namespace leash {

void* collect_applications(uint64_t& count);
void restore_applications(const void* items, uint64_t count);
uint64_t application_changes();

void* collect_slow_statements(uint64_t& count);
void restore_slow_statements(const void* items, uint64_t count);
uint64_t slow_statement_changes();

void* collect_summaries(uint64_t& count);
void restore_summaries(const void* items, uint64_t count);
uint64_t summary_changes();

}  // namespace leash
