#include "server/policy_row.h"

#include "core/duration.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/varlena.h"
}

namespace leash {
namespace {

constexpr int64_t kLongestAge = int64_t{100} * 365 * USECS_PER_DAY;
constexpr const char* kAgeHint =
    "Write a duration such as '10 minutes', or leave the column null to omit it.";

const char* type_name(Oid type) {
    return format_type_extended(type, -1, FORMAT_TYPE_INVALID_AS_NULL);
}

bool is_infinite(const Interval& age) {
    return (age.month == PG_INT32_MAX && age.day == PG_INT32_MAX) ||
           (age.month == PG_INT32_MIN && age.day == PG_INT32_MIN);
}

bool has_control(const char* text) {
    for (; *text != '\0'; text++) {
        if (static_cast<unsigned char>(*text) < ' ' || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

// What makes an interval no age; null when it is one.
const char* objection_to_age(const Interval& age) {
    if (is_infinite(age)) {
        return "It never ends.";
    }
    if (age.month != 0) {
        return "Months and years are not always of the same length.";
    }
    constexpr int64_t longest_days = kLongestAge / USECS_PER_DAY;
    const int64_t day = Max(Min(int64_t{age.day}, longest_days + 1), -longest_days - 1);
    const int64_t us = day * USECS_PER_DAY + Max(Min(age.time, kLongestAge), -kLongestAge);
    if (us <= 0) {
        return us == 0 ? "It is zero." : "It is negative.";
    }
    if (us > kLongestAge || age.time > kLongestAge) {
        return "It is longer than a hundred years.";
    }
    return nullptr;
}

// The word nearest to what was written, if any is near enough to be meant.
const char* nearest(const char* value, const char* const* words, int count) {
    const int length = static_cast<int>(strlen(value));
    const char* best = nullptr;
    int best_distance = Min(4, length / 2) + 1;
    if (length > static_cast<int>(kNameSize)) {
        return nullptr;
    }
    for (int i = 0; i < count; i++) {
        const int distance = varstr_levenshtein_less_equal(value, length, words[i],
                                                           static_cast<int>(strlen(words[i])), 1, 1,
                                                           1, best_distance - 1, true);
        if (distance < best_distance) {
            best = words[i];
            best_distance = distance;
        }
    }
    return best;
}

}  // namespace

int error_column(const char* column) {
    err_generic_string(PG_DIAG_SCHEMA_NAME, "leash");
    err_generic_string(PG_DIAG_TABLE_NAME, "policies");
    if (column != nullptr) {
        err_generic_string(PG_DIAG_COLUMN_NAME, column);
    }
    return 0;
}

const char* sentence(const char* phrase) {
    char* const text = psprintf("%s.", phrase);
    text[0] = static_cast<char>(pg_toupper(static_cast<unsigned char>(text[0])));
    return text;
}

void PolicyRow::refuse(const char* column, const char* value, Objection objection) const {
    const int shown = pg_mbcliplen(value, static_cast<int>(strlen(value)), 100);
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("invalid value for column \"%s\" of policy \"%s\": \"%.*s%s\"", column, policy_,
                    shown, value, value[shown] != '\0' ? "..." : ""),
             objection.detail != nullptr ? errdetail("%s", objection.detail) : 0,
             objection.hint != nullptr ? errhint("%s", objection.hint) : 0, error_column(column)));
}

void PolicyRow::refuse_word(const char* column, const char* value, const char* const* words,
                            int word_count, const char* joined) const {
    const char* const meant = nearest(value, words, word_count);
    const char* const known = psprintf("Known are: %s.", joined);
    const char* const hint =
        meant != nullptr ? psprintf("Did you mean \"%s\"? %s", meant, known) : known;
    refuse(column, value, {nullptr, hint});
}

void PolicyRow::refuse_null(const char* column) const {
    ereport(ERROR,
            (errcode(ERRCODE_NOT_NULL_VIOLATION),
             *policy_ == '\0'
                 ? errmsg("column \"%s\" of leash.policies must not be null", column)
                 : errmsg("column \"%s\" of policy \"%s\" must not be null", column, policy_),
             error_column(column)));
}

Datum PolicyRow::read(const char* column, Oid type, bool& is_null) const {
    for (int i = 0; i < columns_->natts; i++) {
        const FormData_pg_attribute* const attribute = TupleDescAttr(columns_, i);
        if (attribute->attisdropped || strcmp(NameStr(attribute->attname), column) != 0) {
            continue;
        }
        if (attribute->atttypid != type) {
            ereport(ERROR,
                    (errcode(ERRCODE_DATATYPE_MISMATCH),
                     errmsg("column \"%s\" of leash.policies has type %s, but should have %s",
                            column, type_name(attribute->atttypid), type_name(type)),
                     error_column(column)));
        }
        return heap_getattr(row_, i + 1, columns_, &is_null);
    }
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("leash.policies has no column \"%s\"", column), error_column(column)));
}

void PolicyRow::read_name(char (&name)[kNameSize]) {
    const char* const text = read_text("name");
    if (text == nullptr) {
        refuse_null("name");
    }
    const size_t length = strlen(text);
    policy_ = pnstrdup(text, static_cast<Size>(pg_mbcliplen(text, static_cast<int>(length),
                                                            static_cast<int>(kNameSize) - 1)));
    if (length == 0 || length >= kNameSize) {
        refuse("name", text,
               {length == 0 ? "It is empty." : "It is longer than 63 bytes.",
                "Choose a name of 1 to 63 bytes."});
    }
    if (has_control(text)) {
        refuse("name", text,
               {"It has a control character.", "Names are shown in log lines and messages."});
    }
    strlcpy(name, text, sizeof name);
}

bool PolicyRow::read_bool(const char* column) const {
    bool is_null = false;
    const Datum value = read(column, BOOLOID, is_null);
    return !is_null && DatumGetBool(value);
}

bool PolicyRow::read_int(const char* column, int32_t& value) const {
    bool is_null = false;
    const Datum datum = read(column, INT4OID, is_null);
    value = is_null ? 0 : DatumGetInt32(datum);
    return !is_null;
}

bool PolicyRow::read_double(const char* column, double& value) const {
    bool is_null = false;
    const Datum datum = read(column, FLOAT8OID, is_null);
    value = is_null ? 0 : DatumGetFloat8(datum);
    return !is_null;
}

const char* PolicyRow::read_text(const char* column) const {
    bool is_null = false;
    const Datum datum = read(column, TEXTOID, is_null);
    return is_null ? nullptr : TextDatumGetCString(datum);
}

uint64_t PolicyRow::read_age(const char* column) const {
    bool is_null = false;
    const Datum datum = read(column, INTERVALOID, is_null);
    if (is_null) {
        return 0;
    }
    const Interval age = *DatumGetIntervalP(datum);
    const char* const detail = objection_to_age(age);
    if (detail != nullptr) {
        refuse(column, DatumGetCString(DirectFunctionCall1(interval_out, datum)),
               {detail, age.month != 0 && !is_infinite(age) ? "Write it in days." : kAgeHint});
    }
    return static_cast<uint64_t>(age.day * USECS_PER_DAY + age.time) * 1000;
}

PolicyRow::List PolicyRow::read_list(const char* column) const {
    bool is_null = false;
    const Datum datum = read(column, TEXTARRAYOID, is_null);
    if (is_null) {
        return {nullptr, 0};
    }
    ArrayType* const array = DatumGetArrayTypeP(datum);
    Datum* values = nullptr;
    bool* nulls = nullptr;
    List list{};
    deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &list.count);
    const char* const shown = OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(array));
    if (ARR_NDIM(array) > 1) {
        refuse(column, shown, {"The list has more than one dimension.", nullptr});
    }
    if (list.count == 0) {
        refuse(
            column, shown,
            {"An empty list would match nothing.", "Leave the column null to match everything."});
    }
    if (list.count > kMaxListItems) {
        refuse(
            column, shown,
            {psprintf("The list has %d items, and can have %d at most.", list.count, kMaxListItems),
             "Use more than one policy."});
    }
    list.items = static_cast<char**>(palloc(sizeof(char*) * static_cast<Size>(list.count)));
    for (int i = 0; i < list.count; i++) {
        if (nulls[i]) {
            refuse(column, shown, {"The list has a null in it.", nullptr});
        }
        list.items[i] = TextDatumGetCString(values[i]);
    }
    return list;
}

}  // namespace leash
