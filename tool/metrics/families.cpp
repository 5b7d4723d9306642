#include "metrics/families.h"

#include "metrics/compatibility.h"
#include "metrics/family.h"
#include "metrics/labels.h"

namespace leash::tool {
namespace {

using prometheus::MetricType;
using Values = FamilyBuilder::Values;

constexpr auto kGauge = MetricType::Gauge;
constexpr auto kCounter = MetricType::Counter;

// Collects the families of a sample.
class Families {
public:
    Families(const MetricsSample& sample, const MetricsOptions& options)
        : sample_(sample), labels_(sample, options.top_applications) {}

    std::vector<prometheus::MetricFamily> all(const MetricsOptions& options) {
        add_slots();
        add_sessions();
        add_leaks();
        add_levels();
        add_durations();
        add_times();
        add_turnover();
        add_decisions();
        add_worker();
        add_pools();
        add_tracker();
        if (options.compatibility) {
            for (prometheus::MetricFamily& family : compatible_families(sample_, labels_)) {
                families_.push_back(std::move(family));
            }
        }
        return std::move(families_);
    }

private:
    void keep(const FamilyBuilder& family) {
        if (!family.is_empty()) {
            families_.push_back(family.build());
        }
    }

    template <class Number>
    void keep_single(const char* name, const char* help, const std::optional<Number>& value) {
        if (value) {
            families_.push_back(single_metric(name, help, static_cast<double>(*value)));
        }
    }

    // The values of the labels datname, usename and application_name, and what follows.
    Values values(const Origin& of, std::initializer_list<std::string> more = {}) const {
        const Origin shown = labels_.shown(of).of;
        Values values = {shown.datname, shown.usename, shown.application_name};
        values.insert(values.end(), more);
        return values;
    }

    void add_slots();
    void add_sessions();
    void add_leaks();
    void add_levels();
    void add_durations();
    void add_times();
    void add_turnover();
    void add_decisions();
    void add_worker();
    void add_pools();
    void add_tracker();
    FamilyBuilder time_family(const char* name, const char* help,
                              double ApplicationTotals::*time) const;
    FamilyBuilder duration_family(FamilyInfo info, const std::vector<Durations>& all,
                                  std::initializer_list<std::string> more) const;

    const MetricsSample& sample_;
    const LabelSpace labels_;
    std::vector<prometheus::MetricFamily> families_;
};

void Families::add_slots() {
    const SlotLevels& slots = sample_.slots;
    keep_single("server_full", kServerFullHelp, slots.full());
    keep_single("connections_max", "Connection slots of the server, max_connections.", slots.max);
    keep_single("connections_reserved",
                "Connection slots that ordinary roles cannot take, of connections_max.",
                slots.reserved);
    keep_single("connections_used",
                "Connection slots that are taken, by those who still log in too.", slots.used);
    keep_single("connections_authenticating",
                "Connection slots of those who have not logged in yet.", slots.authenticating);
    FamilyBuilder refused({"connections_refused_total",
                           kCounter,
                           {"reason"},
                           "Connections that the server has refused, by reason."});
    for (const auto& [reason, count] : slots.refused) {
        refused.add({reason}, static_cast<double>(count));
    }
    keep(refused);
}

void Families::add_sessions() {
    FamilyBuilder sessions({"sessions",
                            kGauge,
                            {"datname", "usename", "application_name", "state"},
                            "Sessions by state."});
    FamilyBuilder idle({"session_idle_max_seconds",
                        kGauge,
                        {"datname", "usename", "application_name", "state"},
                        "For how long the session that is idle the longest has been."});
    for (const SessionGroup& group : sample_.sessions) {
        const Values labels = values(group.of, {group.state});
        sessions.add(labels, static_cast<double>(group.sessions));
        if (group.idle_max) {
            idle.raise(labels, *group.idle_max);
        }
    }
    keep(sessions);
    keep(idle);
}

void Families::add_leaks() {
    FamilyBuilder leaked({"leaked_sessions",
                          kGauge,
                          {"datname", "usename", "application_name", "kind"},
                          "Sessions that are judged leaked, by kind of leak."});
    FamilyBuilder blocked({"blocked_sessions",
                           kGauge,
                           {"datname", "usename", "application_name"},
                           "Sessions that wait for a lock of an idle session; labels are of the "
                           "one that holds it."});
    for (const LeakGroup& group : sample_.leaks) {
        leaked.add(values(group.of, {group.kind}), static_cast<double>(group.sessions));
    }
    for (const BlockedGroup& group : sample_.blocked) {
        blocked.add(values(group.of), static_cast<double>(group.blocked));
    }
    keep(leaked);
    keep(blocked);
}

void Families::add_levels() {
    FamilyBuilder busy({"busy_sessions",
                        kGauge,
                        {"datname", "usename", "application_name"},
                        "Sessions at work: active, and not waiting for their client."});
    FamilyBuilder peak({"busy_sessions_max",
                        kGauge,
                        {"datname", "usename", "application_name"},
                        "The most sessions at work at one time, as sampled in the last one to two "
                        "weeks."});
    for (const ApplicationTotals& totals : sample_.applications) {
        busy.add(values(totals.of), static_cast<double>(totals.busy));
        // Peaks of several at different times make no peak.
        if (!labels_.shown(totals.of).merged) {
            peak.raise(values(totals.of), static_cast<double>(totals.busy_peak));
        }
    }
    keep(busy);
    keep(peak);
}

FamilyBuilder Families::duration_family(FamilyInfo info, const std::vector<Durations>& all,
                                        std::initializer_list<std::string> more) const {
    FamilyBuilder family(std::move(info));
    for (const Durations& durations : all) {
        Values values = {labels_.application(durations.application_name)};
        values.insert(values.end(), more);
        family.add_histogram(values, durations);
    }
    return family;
}

void Families::add_durations() {
    keep(duration_family({"idle_period_seconds",
                          MetricType::Histogram,
                          {"application_name", "state"},
                          "How long sessions were idle between two commands, one sample for each "
                          "period that has ended."},
                         sample_.idle_periods, {"idle"}));
    keep(duration_family({"statement_duration_seconds",
                          MetricType::Histogram,
                          {"application_name"},
                          "How long statements took, from their arrival on, one sample for each "
                          "that has ended."},
                         sample_.statements, {}));
}

FamilyBuilder Families::time_family(const char* name, const char* help,
                                    double ApplicationTotals::*time) const {
    FamilyBuilder family({name, kCounter, {"datname", "application_name"}, help});
    for (const ApplicationTotals& totals : sample_.applications) {
        const Origin of = labels_.shown(totals.of).of;
        family.add({of.datname, of.application_name}, totals.*time);
    }
    return family;
}

void Families::add_times() {
    keep(time_family("active_seconds_total", "Time that sessions were active.",
                     &ApplicationTotals::active));
    keep(time_family("idle_in_transaction_seconds_total",
                     "Time that sessions were idle in transaction.",
                     &ApplicationTotals::idle_in_transaction));
    keep(time_family("client_wait_seconds_total",
                     "Time of it that active sessions waited for their client, as sampled.",
                     &ApplicationTotals::client_wait));
    FamilyBuilder slow({"slow_statements_total",
                        kCounter,
                        {"datname", "application_name"},
                        "Statements that took pg_leash.slow_statement_threshold or longer."});
    for (const ApplicationTotals& totals : sample_.applications) {
        const Origin of = labels_.shown(totals.of).of;
        slow.add({of.datname, of.application_name}, static_cast<double>(totals.slow_statements));
    }
    keep(slow);
}

void Families::add_turnover() {
    FamilyBuilder opened(
        {"sessions_opened_total", kCounter, {"application_name"}, "Sessions that have logged in."});
    FamilyBuilder ended({"sessions_ended_total",
                         kCounter,
                         {"application_name", "reason"},
                         "Sessions that have ended, by reason."});
    for (const ApplicationTotals& totals : sample_.applications) {
        const std::string application = labels_.application(totals.of.application_name);
        opened.add({application}, static_cast<double>(totals.opened));
        for (std::size_t i = 0; i < kEndings.size(); ++i) {
            // Most applications end in one or two ways.
            if (totals.ended[i] > 0) {
                ended.add({application, kEndings[i]}, static_cast<double>(totals.ended[i]));
            }
        }
    }
    keep(opened);
    keep(ended);
}

void Families::add_decisions() {
    FamilyBuilder reaped({"reaped_sessions_total",
                          kCounter,
                          {"policy", "reason", "result", "mode"},
                          "Decisions about sessions, by policy (none: by hand), kind of leak and "
                          "outcome, since the server started."});
    if (sample_.decisions) {
        for (const DecisionGroup& group : *sample_.decisions) {
            reaped.add({group.policy, group.kind, group.outcome, group.mode},
                       static_cast<double>(group.decisions));
        }
    }
    keep(reaped);
}

void Families::add_worker() {
    if (!sample_.worker) {
        return;
    }
    const WorkerFacts& worker = *sample_.worker;
    FamilyBuilder enabled({"reaper_enabled",
                           kGauge,
                           {"mode"},
                           "Whether policies are evaluated; mode is pg_leash.reaping."});
    enabled.add({worker.reaping}, worker.reaping == "off" ? 0 : 1);
    keep(enabled);
    keep_single("reaper_last_run_timestamp_seconds",
                "When the worker judged all sessions last, since 1970.", worker.last_round);
    keep_single("reaper_interval_seconds",
                "How often the worker judges all sessions, pg_leash.check_interval.",
                worker.interval);
}

void Families::add_pools() {
    FamilyBuilder pools({"recommended_pool_size",
                         kGauge,
                         {"application_name"},
                         "Connections that an application needs, its instances together, as "
                         "pgleash advise pools says; absent until an hour was measured."});
    for (const auto& [application, connections] : sample_.pools) {
        pools.add({labels_.application(application)}, static_cast<double>(connections));
    }
    keep(pools);
}

void Families::add_tracker() {
    if (!sample_.tracker) {
        return;
    }
    const TrackerPlaces& tracker = *sample_.tracker;
    keep_single("tracker_slots", "Applications that can be told apart, pg_leash.applications_max.",
                std::optional(tracker.places));
    keep_single("tracker_slots_used", "Applications that are told apart.",
                std::optional(tracker.used));
    FamilyBuilder dropped({"tracker_dropped_total",
                           kCounter,
                           {},
                           "Sessions that were counted under no application of their own, since "
                           "all places were taken."});
    dropped.add({}, static_cast<double>(tracker.dropped));
    keep(dropped);
}

}  // namespace

prometheus::MetricFamily single_metric(const char* name, const char* help, double value) {
    FamilyBuilder family({name, kGauge, {}, help});
    family.add({}, value);
    return family.build();
}

prometheus::MetricFamily build_info(const std::string& server_version,
                                    const std::string& extension_version) {
    FamilyBuilder info({"build_info",
                        kGauge,
                        {"version", "extension_version", "server_version"},
                        "Versions of pgleash, of the extension and of the server."});
    info.add({PGLEASH_VERSION, extension_version, server_version}, 1);
    return info.build();
}

std::vector<prometheus::MetricFamily> metric_families(const MetricsSample& sample,
                                                      const MetricsOptions& options) {
    return Families(sample, options).all(options);
}

}  // namespace leash::tool
