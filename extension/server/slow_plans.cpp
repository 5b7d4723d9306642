#include "server/slow_plans.h"

#include "server/slow_statements.h"

extern "C" {
#include "utils/memutils.h"
}

namespace leash {
namespace {

void store(uint64_t statement, const TextSpan& text) {
    const uint64_t sequence = pg_atomic_fetch_add_u64(&shared()->plan_sequence, 1) + 1;
    SlowPlan* const entry = slow_plan(sequence);
    if (entry->changes.take()) {
        entry->statement = statement;
        store_text(entry->text, text);
        entry->changes.give_back();
    }
}

}  // namespace

void record_plan(QueryDesc* query, uint64_t statement) {
    const MemoryContext own =
        AllocSetContextCreate(CurrentMemoryContext, "pg_leash plan", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext old = MemoryContextSwitchTo(own);
    ExplainState* const explain = NewExplainState();
    ExplainBeginOutput(explain);
    ExplainPrintPlan(explain, query);
    ExplainEndOutput(explain);
    const StringInfo text = explain->str;
    const bool newline = text->len > 0 && text->data[text->len - 1] == '\n';
    store(statement, {text->data, static_cast<size_t>(text->len - (newline ? 1 : 0))});
    MemoryContextSwitchTo(old);
    MemoryContextDelete(own);
}

bool read_plan(uint64_t statement, SlowPlan& copy) {
    const uint64_t newest = pg_atomic_read_u64(&shared()->plan_sequence);
    for (uint64_t i = 0; i < Min(newest, kSlowPlans); i++) {
        SlowPlan& entry = *slow_plan(newest - i);
        if (entry.statement == statement && copy_entry(entry, copy) &&
            copy.statement == statement) {
            return true;
        }
    }
    return false;
}

}  // namespace leash
