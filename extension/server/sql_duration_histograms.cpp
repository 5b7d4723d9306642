// leash.get_duration_histograms().
#include "server/applications.h"
#include "server/row_set.h"
#include "server/sql_values.h"

#include "core/duration_cuts.h"

extern "C" {
#include "utils/float.h"
}

namespace leash {
namespace {

constexpr ColumnInfo kColumns[] = {
    {"application_name", ColumnType::text}, {"usename", ColumnType::name},
    {"datname", ColumnType::name},          {"measure", ColumnType::text},
    {"at_most_seconds", ColumnType::real},  {"samples", ColumnType::bigint},
    {"total_seconds", ColumnType::real},
};

// The columns that all rows of an application have in common.
struct Names {
    Datum application;
    NullableDatum role;
    NullableDatum database;
};

void write_row(const RowSink& sink, const Names& names, const char* measure, double at_most,
               const DurationsUpTo& durations) {
    Row<lengthof(kColumns)> row;
    row.add(names.application);
    row.add(names.role);
    row.add(names.database);
    row.add_text(measure);
    row.add(Float8GetDatum(at_most));
    row.add(count_value(durations.samples));
    row.add(Float8GetDatum(durations.seconds));
    sink.put(row);
}

template <size_t Count>
void write_histogram(const RowSink& sink, const Names& names, const char* measure,
                     const HistogramSum& histogram, const size_t (&cuts)[Count]) {
    for (const size_t cut : cuts) {
        write_row(sink, names, measure, static_cast<double>(longest_before(cut)) / 1e9,
                  durations_before(histogram, cut));
    }
    write_row(sink, names, measure, get_float8_infinity(),
              durations_before(histogram, kHistogramRanks));
}

void write(const RowSink& sink) {
    const LivingApplications all = read_applications();
    for (int i = 0; i < all.count; i++) {
        const Application& app = all.entries[i];
        if (app.latencies.total == 0 && app.idle_gaps.total == 0) {
            continue;
        }
        const bool has_role = app.hash != 0;
        const Names names = {text_value(app.name, strlen(app.name), app.encoding),
                             has_role ? role_name(app.role) : kNull,
                             has_role ? database_name(app.database) : kNull};
        write_histogram(sink, names, "statement", app.latencies, kStatementCuts);
        write_histogram(sink, names, "idle period", app.idle_gaps, kIdleCuts);
    }
}

}  // namespace

const RowSet kDurationHistogramSet = {kColumns, lengthof(kColumns), write};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_duration_histograms(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_duration_histograms);

Datum leash_get_duration_histograms(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kDurationHistogramSet);
}

}  // extern "C"
