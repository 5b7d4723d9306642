#include "server/index_candidates.h"

#include "server/session.h"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/rel.h"
}

namespace leash {
namespace {

constexpr float4 kLargeTable = 10'000;  // rows; below, reading all is as good
constexpr double kFewRows = 0.1;        // what the filter may keep at most

// What the walk through a plan carries along.
struct Walk {
    const QueryDesc* query;
    uint64_t duration;
};

// The column of the scanned relation itself, without a function around it.
const Var* plain_column(const Node* node) {
    while (IsA(node, RelabelType)) {
        node = reinterpret_cast<const Node*>(reinterpret_cast<const RelabelType*>(node)->arg);
    }
    if (!IsA(node, Var)) {
        return nullptr;
    }
    const Var* const var = reinterpret_cast<const Var*>(node);
    return var->varattno > 0 && var->varlevelsup == 0 ? var : nullptr;
}

bool is_constant(const Node* node) {
    return !contain_var_clause(const_cast<Node*>(node));
}

void add_column(IndexCandidate& candidate, const Var* var, Oid op) {
    int at = candidate.columns;
    for (int i = 0; i < candidate.columns; i++) {
        if (candidate.attributes[i] == var->varattno) {
            return;  // a range has two conditions
        }
    }
    if (at == kIndexColumns) {
        return;
    }
    for (; at > 0 && candidate.attributes[at - 1] > var->varattno; at--) {
        candidate.attributes[at] = candidate.attributes[at - 1];
        candidate.operators[at] = candidate.operators[at - 1];
    }
    candidate.attributes[at] = var->varattno;
    candidate.operators[at] = op;
    candidate.columns++;
}

// "column op constant", in either order, and "column op ANY (constants)".
void add_comparison(IndexCandidate& candidate, const List* args, Oid op) {
    if (list_length(args) != 2) {
        return;
    }
    const Node* const left = static_cast<const Node*>(linitial(args));
    const Node* const right = static_cast<const Node*>(lsecond(args));
    if (const Var* const var = plain_column(left); var != nullptr && is_constant(right)) {
        add_column(candidate, var, op);
    } else if (const Var* const other = plain_column(right);
               other != nullptr && is_constant(left)) {
        add_column(candidate, other, op);
    }
}

void add_conditions(IndexCandidate& candidate, const List* conditions) {
    ListCell* cell;
    foreach (cell, conditions) {
        const Node* const node = static_cast<const Node*>(lfirst(cell));
        if (IsA(node, OpExpr)) {
            const OpExpr* const op = reinterpret_cast<const OpExpr*>(node);
            add_comparison(candidate, op->args, op->opno);
        } else if (IsA(node, ScalarArrayOpExpr)) {
            const ScalarArrayOpExpr* const op = reinterpret_cast<const ScalarArrayOpExpr*>(node);
            if (op->useOr) {
                add_comparison(candidate, op->args, op->opno);
            }
        } else if (is_andclause(node)) {
            add_conditions(candidate, reinterpret_cast<const BoolExpr*>(node)->args);
        }
    }
}

uint64_t hash_of(const IndexCandidate& candidate) {
    uint64 hash = hash_combine64(candidate.database, candidate.relation);
    for (int i = 0; i < candidate.columns; i++) {
        hash = hash_combine64(hash, static_cast<uint64>(candidate.attributes[i]));
        hash = hash_combine64(hash, candidate.operators[i]);
    }
    return hash != 0 ? hash : 1;
}

void count(IndexCandidate& candidate) {
    candidate.hash = hash_of(candidate);
    LWLockAcquire(lock(Lock::slow), LW_EXCLUSIVE);
    IndexCandidate* const entry =
        find_or_oldest(index_candidate(0), kIndexCandidates, candidate.hash);
    if (entry->hash == candidate.hash) {
        candidate.slow_statements += entry->slow_statements;
        candidate.total_time += entry->total_time;
        candidate.rows_scanned += entry->rows_scanned;
        candidate.rows_kept += entry->rows_kept;
    }
    *entry = candidate;
    LWLockRelease(lock(Lock::slow));
}

void note_scan(const ScanState* scan, const Walk& walk) {
    const Relation relation = scan->ss_currentRelation;
    const Plan* const plan = scan->ps.plan;
    if (relation == nullptr || plan->qual == NIL) {
        return;
    }
    const FormData_pg_class& table = *relation->rd_rel;
    if (table.reltuples < kLargeTable || table.relpersistence == RELPERSISTENCE_TEMP ||
        RelationGetRelid(relation) < FirstNormalObjectId ||
        plan->plan_rows > kFewRows * static_cast<double>(table.reltuples)) {
        return;
    }
    IndexCandidate candidate{};
    add_conditions(candidate, plan->qual);
    if (candidate.columns == 0) {
        return;
    }
    const SessionIdentity& me = my_slot->identity;
    candidate.database = me.database;
    candidate.relation = RelationGetRelid(relation);
    candidate.role = me.role;
    candidate.encoding = me.encoding;
    strlcpy(candidate.relation_name, NameStr(table.relname), NAMEDATALEN);
    for (int i = 0; i < candidate.columns; i++) {
        const int number = candidate.attributes[i] - 1;
        strlcpy(candidate.names[i],
                NameStr(TupleDescAttr(RelationGetDescr(relation), number)->attname), NAMEDATALEN);
    }
    candidate.query_id = static_cast<uint64_t>(walk.query->plannedstmt->queryId);
    candidate.slow_statements = 1;
    candidate.total_time = walk.duration;
    candidate.rows_scanned = static_cast<double>(table.reltuples);
    candidate.rows_kept = plan->plan_rows;
    candidate.last_seen = GetCurrentTimestamp();
    count(candidate);
}

bool walk_plan(PlanState* node, void* context) {
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, SeqScanState)) {
        note_scan(reinterpret_cast<const ScanState*>(node), *static_cast<const Walk*>(context));
    }
    return planstate_tree_walker(node, LEASH_WALKER(walk_plan), context);
}

}  // namespace

void note_index_candidates(const QueryDesc* query, uint64_t duration) {
    Walk walk = {query, duration};
    (void)walk_plan(query->planstate, &walk);
}

void forget_index_candidates() {
    LWLockAcquire(lock(Lock::slow), LW_EXCLUSIVE);
    memset(static_cast<void*>(index_candidate(0)), 0, sizeof(IndexCandidate) * kIndexCandidates);
    LWLockRelease(lock(Lock::slow));
}

int copy_index_candidates(IndexCandidate** copies) {
    *copies = static_cast<IndexCandidate*>(palloc(sizeof(IndexCandidate) * kIndexCandidates));
    int used = 0;
    LWLockAcquire(lock(Lock::slow), LW_SHARED);
    for (int i = 0; i < kIndexCandidates; i++) {
        if (index_candidate(i)->hash != 0) {
            (*copies)[used++] = *index_candidate(i);
        }
    }
    LWLockRelease(lock(Lock::slow));
    return used;
}

}  // namespace leash
