// The command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "advice/clients.h"
#include "advice/pools.h"
#include "agentless/thresholds.h"
#include "commands/filters.h"
#include "connection/connection.h"
#include "health/checks.h"
#include "metrics/options.h"
#include "render/color.h"
#include "serve/settings.h"

namespace leash::tool {

enum class Command {
    kStatus,
    kSessions,
    kLeaks,
    kApps,
    kSlow,
    kOrphans,
    kHistory,
    kLog,
    kTerminate,
    kCancel,
    kReap,
    kPolicyList,
    kPolicyShow,
    kPolicyDiff,
    kPolicyApply,
    kPolicyTest,
    kAdvise,
    kAdvisePools,
    kAdviseSettings,
    kAdviseIndexes,
    kPlan,
    kSnapshotSave,
    kReport,
    kHealth,
    kMetrics,
    kServe,
    kDoctor,
    kConfigShow,
    kCompletion
};
enum class Format { kTable, kJson, kCsv };

/// A session to act on, as given: its id, or a pid that must be resolved first.
struct Target {
    std::string session_id;  ///< empty when a pid was given
    std::optional<std::int32_t> pid;
};

struct Options {
    Command command = Command::kStatus;
    ConnectionOptions connection;
    Format format = Format::kTable;
    bool format_given = false;  ///< else a setting may say
    ColorChoice color = ColorChoice::kAuto;
    bool color_given = false;
    bool top_given = false;  ///< metrics, serve
    Filters filters;
    std::optional<double> watch_seconds;
    bool each = false;            ///< leaks: one row a session
    bool summary = false;         ///< slow: one row a query
    std::vector<Target> targets;  ///< terminate, cancel
    std::optional<std::string> reason;
    bool force = false;
    bool leaked = false;  ///< terminate: whatever is leaked
    bool yes = false;
    bool without_claim = false;           ///< terminate, where there is no extension
    bool agentless = false;               ///< do not use the extension
    ChosenThresholds thresholds;          ///< where there is none
    bool exit_code = false;               ///< reap, policy diff: 10 when there is something to do
    std::optional<std::int64_t> at_most;  ///< reap: else nothing is done
    bool dry_run = false;                 ///< policy apply
    bool prune = false;                   ///< policy apply: remove what the file does not have
    std::vector<std::string> policies;    ///< policy show: their names; none: all
    bool html = false;                    ///< plan: not Markdown
    std::string shell;                    ///< completion: for which
    std::string file;                     ///< policy diff, apply, test; snapshot save
    PoolOptions pools;                    ///< advise
    std::vector<const Client*> clients;   ///< advise: for whom there is to be text to paste
    std::string snapshot;                 ///< advise, report: a file instead of a server
    std::optional<std::string> output;    ///< report, metrics: a file; else standard output
    std::optional<std::string> before;    ///< report: a snapshot to compare with
    std::optional<std::string> after;     ///< report: likewise; else the server of now
    HealthSettings health;                ///< as far as the command line says
    MetricsOptions metrics;
    ServeChoices serve;
};

/// Either options to run with, or a text to print and a status to exit with.
struct ParsedCommandLine {
    std::optional<Options> options;
    int exit_code = 0;
    std::string output;  ///< for standard output: help or version
    std::string error;   ///< one line for standard error, without prefix
};

/// Reads the arguments after the program's name.
ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments_given);

/// The options that make another call of pgleash reach the same server, quoted
/// for a shell, with a blank behind; empty when none were given or when they
/// hold a password.
std::string connection_arguments(const ConnectionOptions& connection);

}  // namespace leash::tool
