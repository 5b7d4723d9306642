#include "server/policy_changes.h"

#include "server/policy_store.h"
#include "server/settings.h"
#include "server/transaction.h"

extern "C" {
#include "nodes/parsenodes.h"
#include "nodes/value.h"
}

namespace leash {

bool policies_change = false;

namespace {

bool rows_change = false;

constexpr const char* kTable = "policies";
constexpr const char* kSchema = "leash";
constexpr const char* kExtension = "pg_leash";

bool same(const char* name, const char* ours) {
    return name != nullptr && strcmp(name, ours) == 0;
}

bool is_database(const char* name) {
    return settings::database != nullptr && same(name, settings::database);
}

bool is_table(const RangeVar* relation) {
    return relation != nullptr && same(relation->relname, kTable);
}

// A part of a name that may be qualified, counted from its end.
const char* name_part(const Node* name, int from_end) {
    if (IsA(name, String)) {
        return from_end == 0 ? reinterpret_cast<const String*>(name)->sval : nullptr;
    }
    if (IsA(name, List)) {
        const List* const parts = reinterpret_cast<const List*>(name);
        const int at = list_length(parts) - 1 - from_end;
        return at >= 0 ? strVal(list_nth(parts, at)) : nullptr;
    }
    return nullptr;
}

bool drops_ours(const DropStmt* statement) {
    const char* ours = nullptr;
    int from_end = 0;
    switch (statement->removeType) {
        case OBJECT_TRIGGER:
        case OBJECT_RULE:
            from_end = 1;  // after it comes the name of the trigger
            [[fallthrough]];
        case OBJECT_TABLE:
            ours = kTable;
            break;
        case OBJECT_EXTENSION:
            ours = kExtension;
            break;
        default:
            return false;
    }
    const ListCell* cell = nullptr;
    foreach (cell, statement->objects) {
        if (same(name_part(static_cast<const Node*>(lfirst(cell)), from_end), ours)) {
            return true;
        }
    }
    return false;
}

bool renames_ours(const RenameStmt* statement) {
    switch (statement->renameType) {
        case OBJECT_DATABASE:
            return is_database(statement->subname) || is_database(statement->newname);
        case OBJECT_SCHEMA:
            return same(statement->subname, kSchema) || same(statement->newname, kSchema);
        default:  // the table, a column of it
            return is_table(statement->relation) || same(statement->newname, kTable);
    }
}

template <class Statement>
const Statement* as(const Node* statement) {
    return reinterpret_cast<const Statement*>(statement);
}

bool concerns_policies(const Node* statement) {
    switch (nodeTag(statement)) {
        case T_DropStmt:
            return drops_ours(as<DropStmt>(statement));
        case T_RenameStmt:
            return renames_ours(as<RenameStmt>(statement));
        case T_AlterTableStmt:
            return is_table(as<AlterTableStmt>(statement)->relation);
        case T_AlterObjectSchemaStmt:
            return is_table(as<AlterObjectSchemaStmt>(statement)->relation);
        case T_CreateTrigStmt:
            return is_table(as<CreateTrigStmt>(statement)->relation);
        case T_RuleStmt:
            return is_table(as<RuleStmt>(statement)->relation);
        case T_CreateExtensionStmt:
            return same(as<CreateExtensionStmt>(statement)->extname, kExtension);
        case T_AlterExtensionStmt:
            return same(as<AlterExtensionStmt>(statement)->extname, kExtension);
        case T_AlterExtensionContentsStmt:
            return same(as<AlterExtensionContentsStmt>(statement)->extname, kExtension);
        case T_CreatedbStmt:
            return is_database(as<CreatedbStmt>(statement)->dbname);
        case T_DropdbStmt:
            return is_database(as<DropdbStmt>(statement)->dbname);
        case T_AlterDatabaseStmt:
            return is_database(as<AlterDatabaseStmt>(statement)->dbname);
        case T_DropOwnedStmt:
        case T_ReassignOwnedStmt:
            return true;
        default:
            return false;
    }
}

}  // namespace

void note_policy_change() {
    if (shared() != nullptr) {
        policies_change = true;
        rows_change = true;
        commit_has_work = true;
    }
}

void note_policy_ddl(const Node* statement) {
    if (concerns_policies(statement)) {
        policies_change = true;
        commit_has_work = true;
    }
}

void check_prepare() {
    if (rows_change) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot PREPARE a transaction that has changed leash.policies")));
    }
}

void policies_committed() {
    forget_policy_changes();
    want_policies();
}

void forget_policy_changes() {
    policies_change = false;
    rows_change = false;
}

}  // namespace leash
