#include "app.h"

#include <exception>
#include <memory>

#include "cli/options.h"
#include "commands/commands.h"
#include "config/apply.h"
#include "failure.h"
#include "source/open_source.h"

namespace leash::tool {
namespace {

int run_command_on(Context& context) {
    switch (context.options.command) {
        case Command::kStatus:
            return run_status(context);
        case Command::kTerminate:
            return context.options.leaked ? run_terminate_leaked(context) : run_act(context);
        case Command::kCancel:
            return run_act(context);
        case Command::kReap:
            return run_reap(context);
        case Command::kAdvise:
        case Command::kAdvisePools:
        case Command::kAdviseSettings:
            return run_advise(context);
        case Command::kAdviseIndexes:
            return run_advise_indexes(context);
        case Command::kSnapshotSave:
            return run_snapshot_save(context);
        default:
            return run_listing(context);
    }
}

bool is_policy_command(Command command) {
    return command == Command::kPolicyList || command == Command::kPolicyShow ||
           command == Command::kPolicyDiff || command == Command::kPolicyApply ||
           command == Command::kPolicyTest;
}

int run_command(Options options) {
    if (options.command == Command::kHealth) {
        return run_health(options);
    }
    if (options.command == Command::kConfigShow) {
        return run_config_show(options);
    }
    apply_settings(options);
    const Terminal terminal = detect_terminal(options.color);
    if (options.command == Command::kDoctor) {
        return run_doctor(options, terminal);
    }
    if (options.command == Command::kMetrics) {
        return run_metrics(options);
    }
    if (options.command == Command::kServe) {
        return run_serve(options);
    }
    if (options.command == Command::kReport) {
        return run_report(options, terminal);
    }
    if (options.command == Command::kPlan) {
        return run_plan(options);
    }
    if (!options.snapshot.empty()) {
        return run_advise_from_snapshot(options, terminal);
    }
    if (is_policy_command(options.command)) {
        return run_policy(options, terminal);
    }
    const std::unique_ptr<Source> source = open_source(options);
    const bool acts = options.command == Command::kTerminate ||
                      options.command == Command::kCancel || options.command == Command::kReap;
    try {
        Context context{options, terminal, *source, source->server()};
        return run_command_on(context);
    } catch (const QueryError& error) {
        throw source->explain(error, acts ? Purpose::kActing : Purpose::kReading);
    }
}

}  // namespace

int run_tool(const std::vector<std::string>& arguments) {
    try {
        const ParsedCommandLine parsed = parse_command_line(arguments);
        if (parsed.options) {
            return run_command(*parsed.options);
        }
        write_output(parsed.output);
        if (!parsed.error.empty()) {
            write_error(parsed.error);
        }
        return parsed.exit_code;
    } catch (const Failure& failure) {
        write_error(failure.what());
        return failure.exit_code();
    } catch (const std::exception& error) {
        write_error(error.what());
        return kExitFailure;
    }
}

}  // namespace leash::tool
