#include <algorithm>

#include <fmt/format.h>

#include "commands/commands.h"
#include "render/csv.h"
#include "render/json.h"
#include "render/text.h"

namespace leash::tool {
namespace {

constexpr int kOldestServer = 150000;

constexpr Column kChecks[] = {
    {.name = "check", .header = "CHECK"},
    {.name = "status", .kind = Kind::kStatus, .header = "STATUS"},
    {.name = "message", .header = "MESSAGE"},
    {.name = "remedy"},
};

constexpr const char* kPreload = R"sql(
SELECT s.setting, s.pending_restart FROM pg_catalog.pg_settings s
 WHERE s.name = 'shared_preload_libraries')sql";
// The setting exists once the library has been loaded at server start.
constexpr const char* kTrack = R"sql(
SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'pg_leash.track')sql";
constexpr const char* kAvailable = R"sql(
SELECT a.default_version FROM pg_catalog.pg_available_extensions a WHERE a.name = 'pg_leash')sql";
constexpr const char* kLibrary = "SELECT leash.library_version()";
constexpr const char* kRoles = R"sql(
SELECT pg_catalog.pg_has_role(current_user, 'pg_monitor', 'USAGE'),
       pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE'))sql";
constexpr const char* kActivities = "SELECT pg_catalog.current_setting('track_activities')";
constexpr const char* kReload = "SELECT pg_reload_conf();";

class Doctor {
public:
    explicit Doctor(const Options& options) : options_(options) {}

    void examine() {
        std::optional<Connection> connection;
        try {
            connection.emplace(Connection::open(options_.connection));
            server_ = read_server_info(*connection);
        } catch (const Failure& failure) {
            problem("server", failure.what(), "");
            return;
        } catch (const QueryError& error) {
            problem("server", error.what(), "");
            return;
        }
        connection_ = &*connection;
        check_server();
        check_preload();
        check_extension();
        check_library();
        check_reading();
        check_acting();
        check_activities();
        check_track();
        connection_ = nullptr;
    }

    const Dataset& findings() const { return findings_; }
    const ServerInfo& server() const { return server_; }
    bool healthy() const { return healthy_; }

private:
    void add(const char* check, const char* status, std::string message, Cell remedy) {
        findings_.rows.push_back({check, status, std::move(message), std::move(remedy)});
    }
    void ok(const char* check, std::string message) {
        add(check, "ok", std::move(message), std::nullopt);
    }
    void warning(const char* check, std::string message, std::string remedy) {
        add(check, "warning", std::move(message), std::move(remedy));
    }
    void problem(const char* check, std::string message, std::string remedy) {
        healthy_ = false;
        add(check, "problem", std::move(message),
            remedy.empty() ? Cell() : Cell(std::move(remedy)));
    }
    void skipped(const char* check, std::string why) {
        add(check, "skipped", std::move(why), std::nullopt);
    }

    // The first row's values, or nothing when there is none.
    std::optional<std::vector<Cell>> one_row(const char* sql) {
        const Result result = connection_->run(sql);
        if (result.rows() == 0) {
            return std::nullopt;
        }
        std::vector<Cell> row;
        for (int c = 0; c < result.columns(); ++c) {
            row.push_back(result.value(0, c));
        }
        return row;
    }

    void check_server() {
        const std::string where =
            fmt::format("PostgreSQL {} at {}:{}, database {}, user {}", server_.version,
                        server_.host, server_.port, server_.database, server_.user);
        if (server_.version_number < kOldestServer) {
            problem("server", where + ": too old", "upgrade the server to PostgreSQL 15 or later");
        } else {
            ok("server", where);
        }
    }

    void check_preload();
    void check_extension();
    void check_library();

    void check_reading() {
        const auto row = one_row(kRoles);
        if ((*row)[0] == "t") {
            ok("may read", fmt::format("{} has pg_monitor", server_.user));
        } else {
            problem("may read", fmt::format("{} lacks pg_monitor", server_.user),
                    fmt::format("GRANT pg_monitor TO {};", server_.quoted_user));
        }
    }

    void check_acting() {
        const auto row = one_row(kRoles);
        if ((*row)[1] == "t") {
            ok("may act", fmt::format("{} has pg_signal_backend", server_.user));
        } else {
            warning("may act",
                    fmt::format("{} lacks pg_signal_backend: terminate and cancel will be refused",
                                server_.user),
                    fmt::format("GRANT pg_signal_backend TO {};", server_.quoted_user));
        }
    }

    void check_activities() {
        const auto row = one_row(kActivities);
        if ((*row)[0] == "on") {
            ok("track_activities", "on");
        } else {
            problem("track_activities", "off: the state of sessions is unknown",
                    fmt::format("ALTER SYSTEM SET track_activities = on; {}", kReload));
        }
    }

    void check_track() {
        const auto row = one_row(kTrack);
        if (!row || !loaded_) {
            skipped("pg_leash.track", "unknown while the library is not loaded");
        } else if ((*row)[0] == "on") {
            ok("pg_leash.track", "on");
        } else {
            problem("pg_leash.track", "off: no statistics are kept",
                    fmt::format("ALTER SYSTEM SET pg_leash.track = on; {}", kReload));
        }
    }

    const Options& options_;
    Connection* connection_ = nullptr;
    ServerInfo server_;
    Dataset findings_{kChecks, {}};
    bool loaded_ = false;
    bool healthy_ = true;
};

std::vector<std::string> split_list(const std::string& text) {
    std::vector<std::string> items;
    std::string item;
    const auto finish = [&] {
        if (!item.empty()) {
            items.push_back(item);
        }
        item.clear();
    };
    for (const char c : text) {
        if (c == ',') {
            finish();
        } else if (c != ' ' && c != '"') {
            item += c;
        }
    }
    finish();
    return items;
}

bool is_pg_leash(const std::string& library) {
    const std::string name = library.substr(library.rfind('/') + 1);
    return name == "pg_leash" || name == "pg_leash.so";
}

// Each library in quotes of its own: 'a, b' would be one library of that name,
// and the server would not start any more.
std::string preload_command(const std::vector<std::string>& libraries) {
    std::string list;
    for (const std::string& library : libraries) {
        list += fmt::format("'{}', ", library);
    }
    return fmt::format(
        "ALTER SYSTEM SET shared_preload_libraries = {}'pg_leash'; then restart the "
        "server",
        list);
}

void Doctor::check_preload() {
    const char* check = "preload";
    // Before any call of ours makes this very session load the library.
    loaded_ = one_row(kTrack).has_value();
    const auto row = one_row(kPreload);
    if (!row) {
        // Only pg_read_all_settings may see the list.
        if (loaded_) {
            ok(check, "the library is loaded");
        } else {
            warning(check,
                    fmt::format("{} may not see shared_preload_libraries, and the library does not "
                                "seem to be loaded",
                                server_.user),
                    "run pgleash doctor as a superuser");
        }
        return;
    }
    const std::vector<std::string> libraries = split_list((*row)[0].value_or(""));
    if (std::any_of(libraries.begin(), libraries.end(), is_pg_leash)) {
        ok(check, "shared_preload_libraries has pg_leash");
    } else if ((*row)[1] == "t") {
        problem(check, "shared_preload_libraries was changed, but the server not restarted",
                "restart the server");
    } else {
        problem(check, "shared_preload_libraries lacks pg_leash", preload_command(libraries));
    }
}

void Doctor::check_extension() {
    const char* check = "extension";
    const auto available = one_row(kAvailable);
    if (!available) {
        problem(check, "pg_leash is not installed on the server's machine",
                "install the package of pg_leash for this major version of PostgreSQL");
        return;
    }
    const std::string newest = (*available)[0].value_or("");
    if (!server_.extension_version) {
        problem(check, fmt::format("pg_leash is not in database {}", server_.database),
                "CREATE EXTENSION pg_leash;");
        return;
    }
    const std::string& version = *server_.extension_version;
    if (compare_versions(version, kNeededExtensionVersion) < 0) {
        problem(check,
                fmt::format("version {}, this tool needs {} or later", version,
                            kNeededExtensionVersion),
                "ALTER EXTENSION pg_leash UPDATE;");
    } else if (compare_versions(version, newest) < 0) {
        problem(check, fmt::format("version {}, the server has {} installed", version, newest),
                "ALTER EXTENSION pg_leash UPDATE;");
    } else {
        ok(check, fmt::format("version {} in database {}", version, server_.database));
    }
}

void Doctor::check_library() {
    const char* check = "library";
    if (!server_.extension_version) {
        skipped(check, "the extension is not in this database");
        return;
    }
    try {
        const auto row = one_row(kLibrary);
        const std::string library = (*row)[0].value_or("");
        if (compare_versions(library, *server_.extension_version) == 0) {
            ok(check, fmt::format("version {}", library));
        } else {
            problem(
                check,
                fmt::format("version {}, the extension is {}", library, *server_.extension_version),
                compare_versions(library, *server_.extension_version) < 0
                    ? "restart the server, so that it loads the library that is installed"
                    : "ALTER EXTENSION pg_leash UPDATE;");
        }
    } catch (const QueryError& error) {
        if (error.sqlstate() == "42501") {
            skipped(check, fmt::format("{} may not ask", server_.user));
        } else {
            problem(check, error.what(), "install the package of pg_leash on the server");
        }
    }
}

// Messages are not cut: a remedy that is not whole mends nothing.
std::string doctor_table(const Dataset& findings, const Terminal& terminal) {
    std::size_t name_width = 0;
    for (const Row& row : findings.rows) {
        name_width = std::max(name_width, display_width(row[0].value_or("")));
    }
    std::string out;
    for (const Row& row : findings.rows) {
        const std::string status = row[1].value_or("");
        const std::string word = fmt::format("{:<7}", status);
        out += terminal.color ? painted(word, paint_of(status)) : word;
        out += fmt::format("  {:<{}}  {}\n", row[0].value_or(""), name_width,
                           printable(row[2].value_or(""), {.ascii_only = terminal.ascii_only}));
        if (row[3]) {
            out += fmt::format("{:9}{:<{}}  {}\n", "", "-> mend", name_width,
                               printable(*row[3], {.ascii_only = terminal.ascii_only}));
        }
    }
    return out;
}

std::string doctor_json(const Doctor& doctor) {
    nlohmann::ordered_json document;
    document["schema_version"] = kJsonSchemaVersion;
    document["command"] = "doctor";
    document["server"] = doctor.server().version.empty() ? nlohmann::ordered_json(nullptr)
                                                         : server_json(doctor.server());
    document["healthy"] = doctor.healthy();
    document["rows"] = json_rows(doctor.findings());
    return json_text(document, false);
}

}  // namespace

int run_doctor(const Options& options, const Terminal& terminal) {
    Doctor doctor(options);
    try {
        doctor.examine();
    } catch (const QueryError& error) {
        throw Failure(fmt::format("could not finish the checks: {}", error.what()));
    }
    switch (options.format) {
        case Format::kJson:
            write_output(doctor_json(doctor));
            break;
        case Format::kCsv:
            write_output(render_csv(doctor.findings(), terminal.is_terminal));
            break;
        case Format::kTable:
            write_output(doctor_table(doctor.findings(), terminal));
            break;
    }
    return doctor.healthy() ? kExitDone : kExitFailure;
}

}  // namespace leash::tool
