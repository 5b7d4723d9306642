#include "server/policy_warnings.h"

namespace leash {
namespace {

constexpr int kFew = 3;  // below that, half of them is nothing to speak of
constexpr const char* kTool = "pgleash";

void warn_of_own(const Policy& policy) {
    ereport(WARNING, (errcode(ERRCODE_WARNING),
                      errmsg("policy \"%s\" matches the session that writes it", policy.name),
                      errhint("Name the applications or roles that it is meant for.")));
}

void warn_of_tool(const Policy& policy) {
    ereport(WARNING, (errcode(ERRCODE_WARNING),
                      errmsg("policy \"%s\" matches sessions of pgleash", policy.name),
                      errhint("Name the applications or roles that it is meant for.")));
}

void warn_of_many(const Policy& policy, int matched, int all) {
    ereport(WARNING, (errcode(ERRCODE_WARNING),
                      errmsg("policy \"%s\" matches %d of the %d sessions of now", policy.name,
                             matched, all),
                      errdetail("By role, database, application and address, whatever their age."),
                      errhint("leash.reap() shows what the policies would do now.")));
}

void warn_of_none(const Policy& policy) {
    ereport(
        WARNING,
        (errcode(ERRCODE_WARNING),
         errmsg("policy \"%s\" matches none of the sessions of now", policy.name),
         errdetail("By role, database, application, address and what it may reach."),
         errhint("Check roles, databases, applications, addresses and the include_* columns.")));
}

}  // namespace

PolicyWarnings PolicyWarnings::make() {
    const SessionReports sessions = report_sessions();
    NameCache names = NameCache::make();
    PolicyWarnings warnings{};
    warnings.candidates_ = static_cast<Candidate*>(
        palloc(sizeof(Candidate) * static_cast<Size>(Max(sessions.count, 1))));
    warnings.count_ = sessions.count;
    warnings.own_ = -1;
    for (int i = 0; i < sessions.count; i++) {
        warnings.candidates_[i] = make_candidate(sessions.reports[i], names);
        // What cannot be touched at this moment may be so later.
        warnings.candidates_[i].untouchable = false;
        if (sessions.reports[i].identity.id.pid == MyProcPid) {
            warnings.own_ = i;
        }
    }
    return warnings;
}

void PolicyWarnings::warn(const Policy& policy) const {
    int matched = 0;
    bool own = false;
    bool tool = false;
    for (int i = 0; i < count_; i++) {
        if (match_identity(policy, candidates_[i]) != Mismatch::none) {
            continue;
        }
        matched++;
        own = own || i == own_;
        tool = tool || (i != own_ && strcmp(candidates_[i].application, kTool) == 0);
    }
    if (matched == 0) {
        warn_of_none(policy);
    }
    if (policy.action == Action::spare) {
        return;  // it harms nobody
    }
    if (own) {
        warn_of_own(policy);
    }
    if (tool) {
        warn_of_tool(policy);
    }
    if (matched >= kFew && matched * 2 > count_) {
        warn_of_many(policy, matched, count_);
    }
}

}  // namespace leash
