#include "server/secret_statements.h"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace leash {
namespace {

bool has_password(List* options) {
    ListCell* cell;
    foreach (cell, options) {
        if (strcmp(lfirst_node(DefElem, cell)->defname, "password") == 0) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool carries_secret(const Node* statement) {
    switch (nodeTag(statement)) {
        case T_CreateRoleStmt:
            return has_password(reinterpret_cast<const CreateRoleStmt*>(statement)->options);
        case T_AlterRoleStmt:
            return has_password(reinterpret_cast<const AlterRoleStmt*>(statement)->options);
        case T_CreateUserMappingStmt:
        case T_AlterUserMappingStmt:
        case T_CreateForeignServerStmt:
        case T_AlterForeignServerStmt:
        case T_CreateSubscriptionStmt:
        case T_AlterSubscriptionStmt:
        case T_AlterSystemStmt:  // primary_conninfo
            return true;
        default:
            return false;
    }
}

}  // namespace leash
