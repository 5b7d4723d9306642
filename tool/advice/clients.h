// Where the size of a pool is set: the text to paste for each client, in one table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "advice/pools.h"

namespace leash::tool {

struct Client {
    std::string_view name;   ///< for --for: "node-postgres"
    std::string_view title;  ///< "node-postgres"
    std::string_view text;   ///< with <n> and the like; see clients.cpp
    std::string_view note;   ///< empty, or one sentence
};

/// All of them, in the order of the help.
std::span<const Client> clients();

/// By name or by what else it is called ("pg", "spring").  "prisma" is two, since its
/// versions differ; empty: there is none.
std::vector<const Client*> find_clients(std::string_view name);

/// Those that an application's name speaks of: "prisma-api", "PostgreSQL JDBC Driver".
std::vector<const Client*> guess_clients(const std::string& application_name);

/// Lines to paste, each ended by a line feed.  Names that strangers chose are quoted in
/// the client's own language, so that they stay what they are and nothing else.
std::string paste_text(const Client& client, const PoolAdvice& advice);

}  // namespace leash::tool
