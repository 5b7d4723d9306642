#include "server/reap_totals.h"

extern "C" {
#include "storage/lwlock.h"
}

namespace leash {
namespace {

constexpr const char* kOtherPolicies = "(other)";  // in the last place

ReapTotal key_of(const ReapRecord& record) {
    ReapTotal key{};
    strlcpy(key.policy, record.policy, sizeof key.policy);
    key.kind = record.kind;
    key.mode = record.mode;
    // "spared: woke up" is one of those that were spared
    strlcpy(key.outcome, record.outcome, Min(sizeof key.outcome, strcspn(record.outcome, ":") + 1));
    return key;
}

bool is_of(const ReapTotal& total, const ReapTotal& key) {
    return total.kind == key.kind && total.mode == key.mode &&
           strcmp(total.policy, key.policy) == 0 && strcmp(total.outcome, key.outcome) == 0;
}

}  // namespace

void count_decision(const ReapRecord& record) {
    const ReapTotal key = key_of(record);
    int number = 0;
    while (number < kReapTotals - 1 && reap_total(number)->decisions > 0 &&
           !is_of(*reap_total(number), key)) {
        number++;
    }
    ReapTotal& total = *reap_total(number);
    const uint64_t decisions = total.decisions + 1;
    if (number == kReapTotals - 1) {
        total = {};
        strlcpy(total.policy, kOtherPolicies, sizeof total.policy);
    } else {
        total = key;
    }
    total.decisions = decisions;
}

int copy_reap_totals(ReapTotal** totals) {
    *totals = static_cast<ReapTotal*>(palloc(sizeof(ReapTotal) * kReapTotals));
    int count = 0;
    LWLockAcquire(lock(Lock::journal), LW_SHARED);
    for (int i = 0; i < kReapTotals; i++) {
        if (reap_total(i)->decisions > 0) {
            (*totals)[count++] = *reap_total(i);
        }
    }
    LWLockRelease(lock(Lock::journal));
    return count;
}

}  // namespace leash
