#include "commands/context.h"

#include <cmath>

#include "commands/watch.h"
#include "render/instant.h"
#include "render/csv.h"
#include "render/json.h"

namespace leash::tool {

TableStyle table_style(const Context& context) {
    TableStyle style;
    style.width = context.terminal.width;
    style.color = context.terminal.color;
    style.ascii_only = context.terminal.ascii_only;
    style.now_us = parse_instant(context.server.now).value_or(0);
    return style;
}

nlohmann::ordered_json json_head(const Context& context, const char* command) {
    nlohmann::ordered_json document;
    document["schema_version"] = kJsonSchemaVersion;
    document["command"] = command;
    document["generated_at"] = context.server.now;
    document["server"] = server_json(context.server);
    return document;
}

std::string render(const Context& context, const char* command, const Dataset& data) {
    switch (context.options.format) {
        case Format::kJson: {
            nlohmann::ordered_json document = json_head(context, command);
            document["rows"] = json_rows(data);
            return json_text(document, context.options.watch_seconds.has_value());
        }
        case Format::kCsv:
            return render_csv(data, context.terminal.is_terminal);
        case Format::kTable:
            break;
    }
    return render_table(data, table_style(context));
}

void show_frames(Context& context, const std::function<std::string()>& frame) {
    if (!context.options.watch_seconds) {
        write_output(frame());
        return;
    }
    const bool redraw = context.terminal.is_terminal && context.options.format == Format::kTable;
    InterruptWatch interrupt;
    while (!interrupt.requested()) {
        context.server = context.source.server();
        const std::string text = frame();
        if (redraw) {
            context.terminal = detect_terminal(context.options.color);
            write_output(screen_of(text, context.terminal.height));
        } else {
            write_output(text);
        }
        interrupt.sleep(*context.options.watch_seconds);
    }
    if (redraw) {
        write_output("\n");
    }
}

}  // namespace leash::tool
