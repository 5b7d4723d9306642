// What a policy that was just written would do to the sessions of this moment.
#pragma once

#include "server/candidate.h"

namespace leash {

class PolicyWarnings {
public:
    // Reads the sessions; allocates in the current memory context.
    static PolicyWarnings make();

    // WARNINGs where it matches the session that writes it, the tool's, more than half
    // of all, or none: by names, addresses and reach, whatever their age.
    void warn(const Policy& policy) const;

private:
    Candidate* candidates_;
    int count_;
    int own_;  // -1: it is not among them
};

}  // namespace leash
