// One row of leash.policies, column by column.  What makes no sense raises an ERROR
// that names the policy and the column.
#pragma once

#include "core/policy.h"

#include "server/compat.h"

extern "C" {
#include "access/htup.h"
#include "access/tupdesc.h"
}

namespace leash {

// What is wrong with a value: `detail` is a sentence, or null; `hint` the remedy.
struct Objection {
    const char* detail;
    const char* hint;
};

class PolicyRow {
public:
    PolicyRow(HeapTuple row, TupleDesc columns) : row_(row), columns_(columns) {}

    // The name, which messages use from then on.
    void read_name(char (&name)[kNameSize]);

    // Null stands for false, for 0.
    bool read_bool(const char* column) const;
    bool read_int(const char* column, int32_t& value) const;  // false: null
    bool read_double(const char* column, double& value) const;
    uint64_t read_age(const char* column) const;      // ns
    const char* read_text(const char* column) const;  // null: null

    // Calls `take(text)` for each item of a list; a list that is null has none.
    template <class Take>
    int each_item(const char* column, Take take) const {
        const List list = read_list(column);
        for (int i = 0; i < list.count; i++) {
            take(list.items[i]);
        }
        return list.count;
    }

    [[noreturn]] void refuse(const char* column, const char* value, Objection objection) const;

    // A word that is none of `words`, with the nearest of them in the hint.
    [[noreturn]] void refuse_word(const char* column, const char* value, const char* const* words,
                                  int word_count, const char* joined) const;

    [[noreturn]] void refuse_null(const char* column) const;

    const char* policy() const { return policy_; }

private:
    struct List {
        char** items;
        int count;
    };

    Datum read(const char* column, Oid type, bool& is_null) const;
    List read_list(const char* column) const;

    HeapTuple row_;
    TupleDesc columns_;
    const char* policy_ = "";
};

// Adds schema, table and column to the error that is being raised; for ereport().
int error_column(const char* column);

// A phrase such as "it is empty" as a sentence.
const char* sentence(const char* phrase);

}  // namespace leash
