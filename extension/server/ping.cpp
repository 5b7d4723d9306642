#include "server/ping.h"

extern "C" {
#include "access/transam.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/syscache.h"
}

namespace leash {
namespace {

bool is_own_function(Oid function, void* found) {
    if (function < FirstUnpinnedObjectId) {
        return false;
    }
    *static_cast<Oid*>(found) = function;
    return true;
}

bool look_for_own_function(Node* node, void* found) {
    if (node == nullptr) {
        return false;
    }
    if (check_functions_in_node(node, is_own_function, found)) {
        return true;
    }
    if (IsA(node, Query)) {
        return query_tree_walker(castNode(Query, node), LEASH_WALKER(look_for_own_function), found,
                                 0);
    }
    return expression_tree_walker(node, LEASH_WALKER(look_for_own_function), found);
}

bool reads_relation(const Query* query) {
    ListCell* cell;
    foreach (cell, query->rtable) {
        if (lfirst_node(RangeTblEntry, cell)->rtekind == RTE_RELATION) {
            return true;
        }
    }
    return false;
}

}  // namespace

// "SELECT 1", "SELECT version()".  Functions of one's own are among the plan's
// dependencies.
Use judge_plan(const PlannedStmt* plan) {
    if (plan->commandType != CMD_SELECT || plan->relationOids != NIL || plan->invalItems != NIL ||
        plan->subplans != NIL || !IsA(plan->planTree, Result) ||
        outerPlan(plan->planTree) != nullptr) {
        return Use::use;
    }
    ListCell* cell;
    foreach (cell, plan->planTree->targetlist) {
        const Node* value = reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell)->expr);
        if (!IsA(value, Const) && !IsA(value, Param) &&
            contain_volatile_functions(const_cast<Node*>(value))) {
            return Use::use;
        }
    }
    return Use::ping;
}

Oid find_own_function(Query* query) {
    Oid found = InvalidOid;
    if (query->commandType == CMD_SELECT && !reads_relation(query)) {
        (void)look_for_own_function(reinterpret_cast<Node*>(query), &found);
    }
    return found;
}

// The planner itself notes what it inlines, and not what it calls.
void depend_on_function(PlannedStmt* plan, Oid function) {
    if (plan->invalItems != NIL) {
        return;
    }
    PlanInvalItem* const item = makeNode(PlanInvalItem);
    item->cacheId = PROCOID;
    item->hashValue = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(function));
    plan->invalItems = lappend(plan->invalItems, item);
}

}  // namespace leash
