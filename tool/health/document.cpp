#include "health/document.h"

#include <cctype>

#include "render/json.h"

namespace leash::tool {
namespace {

using Json = nlohmann::ordered_json;

Json json_number(const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json json_limit(const std::optional<Limit>& limit) {
    return limit ? Json(limit->value) : Json(nullptr);
}

Json json_checks(const std::vector<Check>& checks) {
    Json list = Json::array();
    for (const Check& check : checks) {
        list.push_back({{"check", check.name},
                        {"status", word_of(check.status)},
                        {"value", json_number(check.value)},
                        {"warning", json_limit(check.warning)},
                        {"critical", json_limit(check.critical)},
                        {"message", check.message}});
    }
    return list;
}

std::string document_of(const ServerInfo* server, HealthStatus status, const std::string& message,
                        const std::vector<Check>& checks) {
    Json document;
    document["schema_version"] = kJsonSchemaVersion;
    document["command"] = "health";
    document["generated_at"] = server == nullptr ? Json(nullptr) : Json(server->now);
    document["server"] = server == nullptr ? Json(nullptr) : server_json(*server);
    document["status"] = word_of(status);
    document["message"] = message;
    document["checks"] = json_checks(checks);
    return json_text(document, false);
}

}  // namespace

std::string word_of(HealthStatus status) {
    std::string word = name_of(status);
    for (char& c : word) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return word;
}

std::string health_document(const ServerInfo& server, const std::vector<Check>& checks) {
    return document_of(&server, worst_of(checks),
                       checks.empty() ? "there is nothing to check" : checks.front().message,
                       checks);
}

std::string health_document(HealthStatus status, const std::string& message) {
    return document_of(nullptr, status, message, {});
}

}  // namespace leash::tool
