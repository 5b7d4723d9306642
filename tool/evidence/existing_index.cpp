#include "evidence/existing_index.h"

#include <nlohmann/json.hpp>

namespace leash::tool {
namespace {

// B-trees whose first columns are the candidate's, in any order.
constexpr const char* kExisting = R"sql(
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), i.indisvalid AND i.indisready
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am a ON a.oid = c.relam
  JOIN pg_catalog.pg_class r ON r.oid = i.indrelid
  JOIN pg_catalog.pg_namespace s ON s.oid = r.relnamespace
 CROSS JOIN (SELECT pg_catalog.array_agg(name) AS names, pg_catalog.count(*) AS number
               FROM pg_catalog.jsonb_array_elements_text($2::pg_catalog.jsonb) AS w(name)) AS wanted
 WHERE ARRAY[s.nspname, r.relname]::pg_catalog.text[] = pg_catalog.parse_ident($1)
   AND a.amname = 'btree' AND i.indpred IS NULL
   AND i.indnkeyatts >= wanted.number
   AND (SELECT pg_catalog.count(DISTINCT t.attname)
          FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k(attnum, at)
          JOIN pg_catalog.pg_attribute t ON t.attrelid = i.indrelid AND t.attnum = k.attnum
         WHERE k.at <= wanted.number AND t.attname = ANY (wanted.names)) = wanted.number
 ORDER BY 2 DESC, 1 LIMIT 1)sql";

}  // namespace

std::vector<std::string> split_identifiers(std::string_view list) {
    std::vector<std::string> names;
    std::string name;
    bool quoted = false;
    for (std::size_t at = 0; at < list.size(); ++at) {
        const char c = list[at];
        if (c == '"' && quoted && at + 1 < list.size() && list[at + 1] == '"') {
            name += c;
            ++at;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            names.push_back(std::move(name));
            name.clear();
        } else if (c != ' ' || quoted) {
            name += c;
        }
    }
    if (!name.empty()) {
        names.push_back(std::move(name));
    }
    return names;
}

std::optional<ExistingIndex> find_index(Connection& connection, const std::string& table,
                                        const std::vector<std::string>& columns) {
    const Result found = connection.run(Query{kExisting, {table, nlohmann::json(columns).dump()}});
    if (found.rows() == 0) {
        return std::nullopt;
    }
    return ExistingIndex{found.value(0, 0).value_or(""), found.value(0, 1).value_or("") == "t"};
}

}  // namespace leash::tool
