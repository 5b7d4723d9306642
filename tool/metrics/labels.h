// Keeps the number of label values small, whatever names clients choose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "metrics/sample.h"

namespace leash::tool {

/// Gives the largest applications labels of their own; all others are `other`.  Of roles and
/// databases, the largest four pairs to each of those are told apart.
class LabelSpace {
public:
    /// top: how many applications; 0: all.
    LabelSpace(const MetricsSample& sample, std::size_t top);

    std::string application(const std::string& name) const;

    struct Shown {
        Origin of;
        bool merged = false;  ///< stands for several, or for an unknown number
    };
    Shown shown(const Origin& of) const;

    bool has_other() const { return has_other_; }
    bool keeps(const std::string& application) const;

private:
    void choose_applications(const std::map<std::string, std::int64_t>& sizes, std::size_t top);
    void choose_origins(const std::map<Origin, std::int64_t>& sizes, std::size_t top);

    bool has_other_ = false;
    bool folds_origins_ = false;
    std::set<std::string> applications_;  ///< when there is another
    std::set<Origin> origins_;            ///< when not all are told apart
};

}  // namespace leash::tool
