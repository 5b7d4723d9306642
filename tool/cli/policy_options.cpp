// The options of policy list, show, diff, apply and test.
#include "cli/command_words.h"

namespace leash::tool {
namespace {

constexpr const char* kListFooter = R"(
A mode with a * is not what happens now: pg_leash.reaping bounds the mode of all
policies, and the worker has to have read them. A note says which it is.)";

constexpr const char* kShowFooter = R"(
Prints TOML that "pgleash policy apply" reads back; without NAME, all policies.)";

constexpr const char* kDiffFooter = R"(
+ apply would add, ~ it would change, - FILE does not have (--prune removes it).
Exit status 0; with --exit-code 10 when there is a difference.)";

constexpr const char* kApplyFooter = R"(
Shows the difference, asks for consent on a terminal, and makes all changes in
one transaction, or none. Policies that FILE does not have stay, unless --prune
is given.)";

constexpr const char* kTestFooter = R"(
Nothing is changed. NOW: the sessions that FILE's policies would act on, each
taken as enforcing. SPARED: by keep, pressure or brake. IN JOURNAL: sessions of
recorded decisions (pgleash log) that they match by role, database, application,
address, kind and age; what the journal does not record is taken as met.)";

void declare_list(CLI::App* command, Arguments&) {
    set_footer(command, kListFooter);
}

void declare_show(CLI::App* command, Arguments& arguments) {
    add_words(command, arguments, "NAME", "policies to show; none: all");
    set_footer(command, kShowFooter);
}

void add_file(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "file", "FILE", "", "policies in TOML; - for standard input");
}

void declare_diff(CLI::App* command, Arguments& arguments) {
    add_file(command, arguments);
    add_flag(command, arguments, "exit-code", "--exit-code", "exit with 10 if they differ");
    set_footer(command, kDiffFooter);
}

void declare_apply(CLI::App* command, Arguments& arguments) {
    add_file(command, arguments);
    add_flag(command, arguments, "yes", "--yes", "do not ask");
    add_flag(command, arguments, "prune", "--prune", "remove policies that FILE does not have");
    add_flag(command, arguments, "dry-run", "--dry-run", "only show the difference");
    set_footer(command, kApplyFooter);
}

void declare_test(CLI::App* command, Arguments& arguments) {
    add_file(command, arguments);
    add_flag(command, arguments, "each", "--each", "one row for each session");
    set_footer(command, kTestFooter);
}

void read_nothing(Options&, const Arguments&) {}

void read_show(Options& options, const Arguments& arguments) {
    options.policies = arguments.words();
}

void read_file(Options& options, const Arguments& arguments) {
    options.file = arguments.value("file").value_or("");
    if (options.file.empty()) {
        refuse("no file of policies given, such as policies.toml");
    }
    options.yes = arguments.given("yes");
    options.prune = arguments.given("prune");
    options.dry_run = arguments.given("dry-run");
    options.exit_code = arguments.given("exit-code");
    options.each = arguments.given("each");
}

constexpr CommandWord kCommands[] = {
    {Command::kPolicyList, "policy list", "list the policies and what is in force", declare_list,
     read_nothing},
    {Command::kPolicyShow, "policy show", "print policies as a file", declare_show, read_show},
    {Command::kPolicyDiff, "policy diff", "show what applying a file would change", declare_diff,
     read_file},
    {Command::kPolicyApply, "policy apply", "make the policies those of a file", declare_apply,
     read_file},
    {Command::kPolicyTest, "policy test", "show whom a file's policies would end", declare_test,
     read_file},
};

}  // namespace

std::span<const CommandWord> policy_commands() {
    return kCommands;
}

}  // namespace leash::tool
