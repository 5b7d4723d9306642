// What every command works with.
#pragma once

#include <functional>
#include <string>

#include "cli/options.h"
#include "connection/server.h"
#include "render/dataset.h"
#include "render/table.h"
#include "render/terminal.h"
#include "source/source.h"

namespace leash::tool {

struct Context {
    const Options& options;
    Terminal terminal;
    Source& source;
    ServerInfo server;
};

TableStyle table_style(const Context& context);

/// A JSON document's common head: schema_version, command, generated_at, server.
nlohmann::ordered_json json_head(const Context& context, const char* command);

/// Rows in the format asked for.
std::string render(const Context& context, const char* command, const Dataset& data);

/// Calls frame once, or with --watch again and again until Ctrl-C, and writes
/// what it returns.
void show_frames(Context& context, const std::function<std::string()>& frame);

}  // namespace leash::tool
