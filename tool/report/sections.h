// The parts of a report, from evidence.  A part of which nothing is known is empty.
#pragma once

#include "evidence/evidence.h"
#include "report/html.h"
#include "report/timeline.h"

namespace leash::tool {

/// Which server, which span.
Html server_line(const Evidence& evidence, const Timeline& timeline);

/// The numbers at the top.
Html key_numbers(const Evidence& evidence, const Timeline& timeline);

/// The same in sentences, worst first.
Html in_short(const Evidence& evidence, const Timeline& timeline);

Html leaks_section(const Evidence& evidence);
Html orphans_section(const Evidence& evidence);
Html refusals_section(const Evidence& evidence);
Html reaps_section(const Evidence& evidence);
Html slow_section(const Evidence& evidence);
Html indexes_section(const Evidence& evidence);
Html applications_section(const Evidence& evidence);
Html compute_section(const Evidence& evidence);
Html checks_section(const Evidence& evidence);

/// What the minutes lack, and how things are counted.
Html about_section(const Evidence& evidence, const Timeline& timeline);

/// "demo.example:5432", or the socket's directory and port.
std::string address_of(const ServerFacts& server);

/// Role and database, small.
Html who(const std::string& usename, const std::string& datname);

/// The statement that opened the sessions of a cause, or else the one that they ran last;
/// with its route.
Html opener_cell(const CauseFacts& cause);

/// "(no name)" for sessions that give none.
std::string application_text(const std::string& name);

/// Sessions of the causes that are leaks.
std::int64_t leaked_sessions(const Evidence& evidence);

/// Sessions that an application holds beyond what it has in use but for one part in a
/// thousand of the time; nullopt: not measured.
std::optional<std::int64_t> waste_of(const ApplicationFacts& application);

/// The whole server's row of leash.compute_hours(), or nullptr.
const ComputeFacts* whole_server(const Evidence& evidence);

}  // namespace leash::tool
