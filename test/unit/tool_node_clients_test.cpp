#include "commands/node_clients.h"

#include <gtest/gtest.h>

namespace leash::tool {
namespace {

TEST(NodeClients, AreToldByTheirName) {
    for (const char* name : {"", "node", "Node.js", "pg", "my-node-api", "next (shop)", "NestJS"}) {
        EXPECT_TRUE(may_be_node(name)) << name;
    }
    for (const char* name : {"pg_dump", "psql", "pgAdmin 4", "nodes", "billing", "anode_b"}) {
        EXPECT_FALSE(may_be_node(name)) << name;
    }
}

}  // namespace
}  // namespace leash::tool
