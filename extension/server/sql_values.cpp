#include "server/sql_values.h"

#include "core/secrets.h"
#include "core/tags.h"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "common/ip.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inet.h"
#include "utils/json.h"
}

namespace leash {
namespace {

void mask_high_bytes(char* text) {
    for (; *text != '\0'; text++) {
        if (IS_HIGHBIT_SET(*text)) {
            *text = '?';
        }
    }
}

// Converts what can be converted, and puts '?' for each character that cannot.
char* convert(const char* bytes, size_t length, int from, int to, Oid procedure) {
    StringInfoData out;
    initStringInfo(&out);
    auto* at = reinterpret_cast<unsigned char*>(pnstrdup(bytes, length));
    int rest = static_cast<int>(length);
    while (rest > 0) {
        const int room = rest * MAX_CONVERSION_GROWTH + 1;
        auto* const converted = static_cast<unsigned char*>(palloc(static_cast<Size>(room)));
        const int done =
            pg_do_encoding_conversion_buf(procedure, from, to, at, rest, converted, room, true);
        appendStringInfoString(&out, reinterpret_cast<char*>(converted));
        at += done;
        rest -= done;
        if (rest > 0) {
            appendStringInfoChar(&out, '?');
            const int skip =
                Min(rest, Max(1, pg_encoding_mblen(from, reinterpret_cast<char*>(at))));
            at += skip;
            rest -= skip;
        }
    }
    return out.data;
}

// A zero-terminated copy that is valid in this database's encoding.  The worker has no
// database, and so no conversions: what leaves it is UTF-8.
char* readable(const char* bytes, size_t length, int encoding) {
    const bool can_convert = OidIsValid(MyDatabaseId);
    const int ours = can_convert ? GetDatabaseEncoding() : PG_UTF8;
    const int from = encoding < 0 ? ours : encoding;
    length = strnlen(bytes, length);
    if (can_convert && from != ours && from != PG_SQL_ASCII && ours != PG_SQL_ASCII &&
        pg_verify_mbstr(from, bytes, static_cast<int>(length), true)) {
        const Oid procedure = FindDefaultConversionProc(from, ours);
        if (OidIsValid(procedure)) {
            return convert(bytes, length, from, ours, procedure);
        }
    }
    char* const copy = pnstrdup(bytes, length);
    if ((from != ours && from != PG_SQL_ASCII) ||
        !pg_verify_mbstr(ours, copy, static_cast<int>(length), true)) {
        mask_high_bytes(copy);
    }
    return copy;
}

NullableDatum name_value(char* text) {
    return text == nullptr ? kNull : known(DirectFunctionCall1(namein, CStringGetDatum(text)));
}

// Numeric host and port; false for what is no internet address.
bool numeric_address(const SockAddr& address, char (&host)[NI_MAXHOST], char (&port)[NI_MAXSERV]) {
    if (address.addr.ss_family != AF_INET && address.addr.ss_family != AF_INET6) {
        return false;
    }
    host[0] = port[0] = '\0';
    if (pg_getnameinfo_all(&address.addr, static_cast<int>(address.salen), host, sizeof host, port,
                           sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return false;
    }
    clean_ipv6_addr(address.addr.ss_family, host);
    return true;
}

}  // namespace

Datum text_value(const char* bytes, size_t length, int encoding) {
    return CStringGetTextDatum(readable(bytes, length, encoding));
}

NullableDatum tags_value(const char* bytes, size_t length, int encoding) {
    TagReader reader(bytes, length);
    char key[kTagSize];
    char decoded[kTagSize];
    StringInfoData json;
    initStringInfo(&json);
    while (reader.next(key, decoded)) {
        appendStringInfoChar(&json, json.len == 0 ? '{' : ',');
        escape_json(&json, readable(key, strlen(key), encoding));
        appendStringInfoChar(&json, ':');
        escape_json(&json, readable(decoded, strlen(decoded), encoding));
    }
    if (json.len == 0) {
        return kNull;
    }
    appendStringInfoChar(&json, '}');
    return known(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

NullableDatum slow_text_value(const StoredText<kSlowTextSize>& text, bool secret, bool visible) {
    if (!visible) {
        return known(CStringGetTextDatum(kInsufficientPrivilege));
    }
    if (secret) {
        return known(CStringGetTextDatum(kHiddenText));
    }
    return text.length > 0 ? known(text_value(text.bytes, text.length, text.encoding)) : kNull;
}

NullableDatum role_name(Oid role) {
    return name_value(GetUserNameFromId(role, true));
}

NullableDatum database_name(Oid database) {
    return name_value(get_database_name(database));
}

NullableDatum address_value(const SockAddr& address) {
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (!numeric_address(address, host, port)) {
        return kNull;
    }
    return known(DirectFunctionCall1(inet_in, CStringGetDatum(host)));
}

NullableDatum port_value(const SockAddr& address) {
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (address.addr.ss_family == AF_UNIX) {
        return known(Int32GetDatum(-1));
    }
    if (!numeric_address(address, host, port)) {
        return kNull;
    }
    return known(Int32GetDatum(atoi(port)));
}

Datum interval_value(uint64_t ns) {
    auto* const interval = static_cast<Interval*>(palloc0(sizeof(Interval)));
    interval->time = static_cast<TimeOffset>(ns / 1000);
    return IntervalPGetDatum(interval);
}

Datum session_id_value(const SessionId& id) {
    char text[kSessionIdLength + 1];
    format_session_id(id, text);
    return CStringGetTextDatum(text);
}

bool may_read_sessions_of(Oid role) {
    return may_read_all() || has_privs_of_role(GetUserId(), role);
}

bool may_read_all() {
    return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}

}  // namespace leash
