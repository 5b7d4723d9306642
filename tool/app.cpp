#include "app.h"

#include <exception>

#include "cli/options.h"
#include "commands/commands.h"
#include "failure.h"

namespace leash::tool {
namespace {

int run_connected(Context& context) {
    switch (context.options.command) {
        case Command::kStatus:
            return run_status(context);
        case Command::kTerminate:
            return context.options.leaked ? run_terminate_leaked(context) : run_act(context);
        case Command::kCancel:
            return run_act(context);
        default:
            return run_listing(context);
    }
}

int run_command(const Options& options) {
    const Terminal terminal = detect_terminal(options.color);
    if (options.command == Command::kDoctor) {
        return run_doctor(options, terminal);
    }
    Connection connection = Connection::open(options.connection);
    ServerInfo server;
    const bool acts = options.command == Command::kTerminate || options.command == Command::kCancel;
    try {
        server = read_server_info(connection);
        require_extension(server);
        Context context{options, terminal, connection, server};
        return run_connected(context);
    } catch (const QueryError& error) {
        throw explain_query_error(error, connection, server,
                                  acts ? Purpose::kActing : Purpose::kReading);
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
