#include "evidence/file.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "failure.h"
#include "new_file.h"
#include "render/instant.h"
#include "render/json.h"

namespace leash::tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMark = "pgleash snapshot";

// --- a field's key and value ---------------------------------------------------

template <class T>
std::string key_of(const char* name) {
    if constexpr (IsOptional<T>::value) {
        return key_of<typename IsOptional<T>::Value>(name);
    } else if constexpr (std::is_same_v<T, Seconds>) {
        return std::string(name) + "_seconds";
    } else {
        return name;
    }
}

template <class T>
Json value_json(const T& value) {
    if constexpr (IsOptional<T>::value) {
        return value ? value_json(*value) : Json(nullptr);
    } else if constexpr (std::is_same_v<T, Seconds>) {
        return value.value;
    } else if constexpr (std::is_same_v<T, Instant>) {
        return instant_text(value.us);
    } else if constexpr (std::is_same_v<T, QueryId>) {
        return std::to_string(value.value);
    } else {
        return value;
    }
}

[[noreturn]] void refuse_value(const std::string& key, const char* wanted) {
    throw Failure(fmt::format("\"{}\" is not {}", key, wanted));
}

template <class T>
void read_value(const std::string& key, const Json& json, T& value) {
    if constexpr (IsOptional<T>::value) {
        value.reset();
        if (!json.is_null()) {
            read_value(key, json, value.emplace());
        }
    } else if constexpr (std::is_same_v<T, Seconds>) {
        read_value(key, json, value.value);
    } else if constexpr (std::is_same_v<T, Instant>) {
        const auto us = json.is_string() ? parse_instant(json.get<std::string>())
                                         : std::optional<std::int64_t>();
        value.us = us ? *us : (refuse_value(key, "an instant"), 0);
    } else if constexpr (std::is_same_v<T, QueryId>) {
        const std::string text = json.is_string() ? json.get<std::string>() : std::string();
        char* end = nullptr;
        errno = 0;
        value.value = std::strtoll(text.c_str(), &end, 10);
        if (text.empty() || *end != '\0' || errno != 0) {
            refuse_value(key, "a query id");
        }
    } else if constexpr (std::is_same_v<T, std::string>) {
        value = json.is_string() ? json.get<T>() : (refuse_value(key, "a text"), T());
    } else if constexpr (std::is_same_v<T, bool>) {
        value = json.is_boolean() ? json.get<T>() : (refuse_value(key, "true or false"), T());
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        value = json.is_number_integer() ? json.get<T>() : (refuse_value(key, "an integer"), T());
    } else {
        value = json.is_number() ? json.get<T>() : (refuse_value(key, "a number"), T());
    }
}

// --- structs -------------------------------------------------------------------

template <class T>
Json struct_json(const T& facts) {
    Json object = Json::object();
    T::fields(facts, [&]<class Field>(const char* name, const Field& value) {
        object[key_of<Field>(name)] = value_json(value);
    });
    return object;
}

// A key that is missing keeps its default: files of an older minor version lack some.
template <class T>
T read_struct(const char* what, const Json& object) {
    T facts;
    if (!object.is_object()) {
        throw Failure(fmt::format("\"{}\" is not there", what));
    }
    T::fields(facts, [&]<class Field>(const char* name, Field& value) {
        const std::string key = key_of<Field>(name);
        if (const auto at = object.find(key); at != object.end()) {
            read_value(key, *at, value);
        }
    });
    return facts;
}

// Every list of Evidence by its key, for writing and reading.
template <class Self, class Visit>
void lists(Self& evidence, Visit&& visit) {
    visit("checks", evidence.checks);
    visit("causes", evidence.causes);
    visit("applications", evidence.applications);
    visit("transactions", evidence.transactions);
    visit("slow", evidence.slow);
    visit("indexes", evidence.indexes);
    visit("orphans", evidence.orphans);
    visit("refusals", evidence.refusals);
    visit("history", evidence.history);
    visit("compute", evidence.compute);
    visit("reaps", evidence.reaps);
    visit("settings", evidence.settings);
    visit("role_settings", evidence.role_settings);
    visit("databases", evidence.databases);
}

Evidence read_document(const Json& document) {
    if (!document.is_object() || document.value("document", std::string()) != kMark) {
        throw Failure("it is no snapshot; \"pgleash snapshot save FILE\" makes one");
    }
    const Json version = document.value("snapshot_version", Json());
    if (!version.is_number_integer()) {
        throw Failure("it does not say which version it has");
    }
    if (version.get<std::int64_t>() != kSnapshotVersion) {
        throw Failure(
            fmt::format("it has version {}, this pgleash reads version {}; use the "
                        "pgleash that saved it",
                        version.get<std::int64_t>(), kSnapshotVersion));
    }
    Evidence evidence;
    evidence.server = read_struct<ServerFacts>("server", document.value("server", Json()));
    evidence.connections =
        read_struct<ConnectionFacts>("connections", document.value("connections", Json()));
    lists(evidence, [&]<class T>(const char* name, std::vector<T>& list) {
        const auto at = document.find(name);
        if (at == document.end()) {  // an older pgleash did not know of it
            evidence.missing.emplace_back(name);
            return;
        }
        if (!at->is_array()) {
            throw Failure(fmt::format("\"{}\" is no list", name));
        }
        for (const Json& item : *at) {
            list.push_back(read_struct<T>(name, item));
        }
    });
    return evidence;
}

// --- files ---------------------------------------------------------------------

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (!file || !(text << file.rdbuf())) {
        throw Failure(fmt::format("cannot read \"{}\": {}", path,
                                  errno != 0 ? std::strerror(errno) : "it is empty"));
    }
    return text.str();
}

}  // namespace

Json evidence_json(const Evidence& evidence) {
    Json document = Json::object();
    document["document"] = kMark;
    document["snapshot_version"] = kSnapshotVersion;
    document["server"] = struct_json(evidence.server);
    document["connections"] = struct_json(evidence.connections);
    lists(evidence, [&](const char* name, const auto& list) {
        if (std::find(evidence.missing.begin(), evidence.missing.end(), name) !=
            evidence.missing.end()) {
            return;
        }
        Json& array = document[name] = Json::array();
        for (const auto& item : list) {
            array.push_back(struct_json(item));
        }
    });
    return document;
}

void save_evidence(const Evidence& evidence, const std::string& path) {
    write_file(path, json_text(evidence_json(evidence), true), Readers::owner);
}

Evidence parse_evidence(const std::string& text, const std::string& name) {
    try {
        return read_document(Json::parse(text));
    } catch (const Json::exception&) {
        throw Failure(fmt::format("snapshot \"{}\": it is cut short or no JSON", name));
    } catch (const Failure& failure) {
        throw Failure(fmt::format("snapshot \"{}\": {}", name, failure.what()));
    }
}

Evidence load_evidence(const std::string& path) {
    return parse_evidence(read_text(path), path);
}

}  // namespace leash::tool
