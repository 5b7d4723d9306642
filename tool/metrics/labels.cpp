#include "metrics/labels.h"

#include <algorithm>
#include <vector>

namespace leash::tool {
namespace {

constexpr std::size_t kOriginsForEach = 4;

// The largest `count` keys, those of the same size by their names, so that one scrape
// chooses as the last one did.
template <class Key>
std::set<Key> largest(const std::map<Key, std::int64_t>& sizes, std::size_t count) {
    std::vector<std::pair<std::int64_t, const Key*>> order;
    for (const auto& [key, size] : sizes) {
        order.emplace_back(-size, &key);
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::set<Key> chosen;
    for (std::size_t i = 0; i < std::min(count, order.size()); ++i) {
        chosen.insert(*order[i].second);
    }
    return chosen;
}

// An application's size is what it held at its peak, where that is known: it changes less
// than what it holds now.
std::map<Origin, std::int64_t> sizes_of(const MetricsSample& sample) {
    std::map<Origin, std::int64_t> now;
    std::map<Origin, std::int64_t> sizes;
    for (const SessionGroup& group : sample.sessions) {
        now[group.of] += group.sessions;
    }
    for (const ApplicationTotals& totals : sample.applications) {
        sizes[totals.of] += totals.size;
    }
    for (const auto& [of, sessions] : now) {
        sizes[of] = std::max(sizes[of], sessions);
    }
    return sizes;
}

}  // namespace

LabelSpace::LabelSpace(const MetricsSample& sample, std::size_t top) {
    const std::map<Origin, std::int64_t> sizes = sizes_of(sample);
    std::map<std::string, std::int64_t> by_name;
    for (const auto& [of, size] : sizes) {
        by_name[of.application_name] += size;
    }
    choose_applications(by_name, top);
    std::map<Origin, std::int64_t> by_origin;
    for (const auto& [of, size] : sizes) {
        by_origin[{of.datname, of.usename, application(of.application_name)}] += size;
    }
    choose_origins(by_origin, top);
}

void LabelSpace::choose_applications(const std::map<std::string, std::int64_t>& sizes,
                                     std::size_t top) {
    has_other_ = top != 0 && sizes.size() > top;
    if (has_other_) {
        applications_ = largest(sizes, top);
    }
}

void LabelSpace::choose_origins(const std::map<Origin, std::int64_t>& sizes, std::size_t top) {
    folds_origins_ = top != 0 && sizes.size() > top * kOriginsForEach;
    if (folds_origins_) {
        origins_ = largest(sizes, top * kOriginsForEach);
    }
}

bool LabelSpace::keeps(const std::string& application) const {
    return !has_other_ || applications_.contains(application);
}

std::string LabelSpace::application(const std::string& name) const {
    return keeps(name) ? name : kOther;
}

LabelSpace::Shown LabelSpace::shown(const Origin& of) const {
    Shown shown{of};
    shown.of.application_name = application(of.application_name);
    shown.merged = shown.of.application_name == kOther;
    if (folds_origins_ && !origins_.contains(shown.of)) {
        shown.of.datname = kOther;
        shown.of.usename = kOther;
        shown.merged = true;
    }
    return shown;
}

}  // namespace leash::tool
