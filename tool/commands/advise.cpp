// advise: how large pools should be and which settings to change, by what is known of the
// server now or was saved in a snapshot.
#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "advice/pool_notes.h"
#include "commands/advice_text.h"
#include "commands/commands.h"
#include "evidence/file.h"
#include "render/color.h"
#include "render/csv.h"
#include "render/instant.h"
#include "render/json.h"
#include "source/open_source.h"

namespace leash::tool {
namespace {

using nlohmann::ordered_json;

ServerInfo server_of(const Evidence& evidence) {
    ServerInfo server;
    server.version = evidence.server.version;
    server.version_number = static_cast<int>(evidence.server.version_number);
    server.database = evidence.server.database;
    server.extension_version = evidence.server.extension_version;
    server.host = evidence.server.host;
    server.port = evidence.server.port;
    server.now = instant_text(evidence.server.now.us);
    return server;
}

// Behind a Unix socket the server has the cores of this machine.
std::optional<std::int64_t> own_cores(const Options& options, const std::string& host) {
    const bool here = options.snapshot.empty() && host.starts_with('/');
    const std::int64_t cores = std::thread::hardware_concurrency();
    return here && cores > 0 ? std::optional(cores) : std::nullopt;
}

// One kind of advice, or all of them, in the format asked for.
class Adviser {
public:
    Adviser(const Options& options, const Terminal& terminal, const Evidence& evidence,
            const ServerInfo& server)
        : options_(options),
          terminal_(terminal),
          evidence_(evidence),
          server_(server),
          style_{.width = terminal.width,
                 .color = terminal.color,
                 .ascii_only = terminal.ascii_only,
                 .now_us = evidence.server.now.us} {
        PoolOptions pools = options.pools;
        if (!pools.cores) {
            pools.cores = own_cores(options, server.host);
        }
        plan_ = advise_pools(evidence, pools);
        // The limit of a role and the like is about all applications.
        pools.app.reset();
        settings_ = advise_settings(evidence, advise_pools(evidence, pools));
    }

    int pools() {
        switch (options_.format) {
            case Format::kJson: {
                ordered_json document = head("advise pools");
                document.update(pools_json(plan_, options_.clients));
                write_output(json_text(document, false));
                break;
            }
            case Format::kCsv:
                write_output(render_csv(pool_rows(plan_, options_.clients), terminal_.is_terminal));
                break;
            case Format::kTable:
                write_output(pools_text(plan_, options_.clients, options_.pools, style_));
                break;
        }
        note_pools();
        return plan_.pools.empty() || plan_.any_advised() ? kExitDone : kExitFailure;
    }

    int settings() {
        const Dataset rows = setting_rows(settings_);
        switch (options_.format) {
            case Format::kJson: {
                ordered_json document = head("advise settings");
                document["rows"] = json_rows(rows);
                write_output(json_text(document, false));
                break;
            }
            case Format::kCsv:
                write_output(render_csv(rows, terminal_.is_terminal));
                break;
            case Format::kTable:
                write_output(settings_text(settings_, style_));
                break;
        }
        note_settings();
        return kExitDone;
    }

    int everything() {
        if (options_.format == Format::kJson) {
            ordered_json document = head("advise");
            document["pools"] = pools_json(plan_, options_.clients);
            document["settings"] = json_rows(setting_rows(settings_));
            document["indexes"] = {{"candidates", evidence_.indexes.size()}};
            write_output(json_text(document, false));
            return kExitDone;
        }
        std::string text =
            heading("Pools") + pools_text(plan_, options_.clients, options_.pools, style_);
        text += "\n" + heading("Settings");
        text +=
            settings_.empty() ? "Nothing speaks for a change.\n" : settings_text(settings_, style_);
        text += "\n" + heading("Indexes");
        text += evidence_.indexes.empty() ? "No slow statement lacks one.\n"
                                          : fmt::format("{} candidate{}: pgleash advise indexes\n",
                                                        evidence_.indexes.size(),
                                                        evidence_.indexes.size() == 1 ? "" : "s");
        write_output(text);
        note_pools();
        return kExitDone;
    }

private:
    std::string heading(const char* text) const {
        return (style_.color ? painted(text, Paint::kBold) : std::string(text)) + "\n\n";
    }

    ordered_json head(const char* command) const {
        ordered_json document;
        document["schema_version"] = kJsonSchemaVersion;
        document["command"] = command;
        document["generated_at"] = server_.now;
        document["server"] = server_json(server_);
        return document;
    }

    void note_pools() const {
        if (plan_.pools.empty()) {
            write_note(options_.pools.app ? "no application matches" : "no application is known");
            return;
        }
        if (plan_.any_advised()) {
            if (options_.clients.empty() && options_.format == Format::kTable) {
                write_note("--for CLIENT prints the text to paste, such as --for prisma");
            }
            return;
        }
        const auto longest = std::max_element(
            plan_.pools.begin(), plan_.pools.end(),
            [](const auto& left, const auto& right) { return left.known_for < right.known_for; });
        write_note(longest->measured
                       ? fmt::format("collecting: no application has been measured for an hour "
                                     "yet, the longest for {}; --force advises anyway",
                                     about_text(longest->known_for))
                       : "pools are not measured without the extension: no number is advised");
    }

    void note_settings() const {
        if (settings_.empty()) {
            write_note("nothing to advise: no setting contradicts what was seen");
        }
    }

    const Options& options_;
    const Terminal& terminal_;
    const Evidence& evidence_;
    const ServerInfo& server_;
    TableStyle style_;
    PoolPlan plan_;
    std::vector<SettingAdvice> settings_;
};

int run_advice(const Options& options, const Terminal& terminal, const Evidence& evidence,
               const ServerInfo& server) {
    Adviser adviser(options, terminal, evidence, server);
    switch (options.command) {
        case Command::kAdvisePools:
            return adviser.pools();
        case Command::kAdviseSettings:
            return adviser.settings();
        default:
            return adviser.everything();
    }
}

}  // namespace

int run_advise(Context& context) {
    const Evidence evidence = context.source.evidence();
    return run_advice(context.options, context.terminal, evidence, context.server);
}

int run_advise_from_snapshot(const Options& options, const Terminal& terminal) {
    const Evidence evidence = load_evidence(options.snapshot);
    return run_advice(options, terminal, evidence, server_of(evidence));
}

}  // namespace leash::tool
