// The options of plan.
#include "cli/command_words.h"

namespace leash::tool {
namespace {

constexpr const char* kPlanFooter = R"(
Writes the emergency plan: what is wrong, the worst first, each with its
evidence; fixes to paste, with their risk and how to undo them; what to expect
of them; how to watch it; what to do in the first hour, day and week. What the
data does not support is not in it: of a healthy server it says so in five
lines. Nothing is run or changed.

With --from no server is asked. Snapshots are made by "pgleash snapshot save".)";

void declare_plan(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "output", "-o,--output", "FILE", "write to FILE");
    add_value(command, arguments, "from", "--from", "FILE", "judge a snapshot, not a server");
    add_value(command, arguments, "before", "--before", "FILE",
              "say what has changed since that snapshot");
    arguments.offer(command, "--format", {"markdown", "html", "json"});
    set_footer(command,
               std::string("\n--format takes markdown (default), html or json.\n") + kPlanFooter);
}

void read_plan(Options& options, const Arguments& arguments) {
    options.output = arguments.value("output");
    options.snapshot = arguments.value("from").value_or("");
    if (arguments.given("from") && options.snapshot.empty()) {
        refuse("no file given for --from, such as before.json");
    }
    options.before = arguments.value("before");
}

constexpr CommandWord kCommands[] = {
    {Command::kPlan, "plan", "the emergency plan: what is wrong, and what to do", declare_plan,
     read_plan},
};

}  // namespace

std::span<const CommandWord> plan_commands() {
    return kCommands;
}

}  // namespace leash::tool
