#include "session.h"

#include <array>
#include <cstring>
#include <thread>

namespace leash::protocol {
namespace {

std::vector<const char*> pointers(const std::vector<std::string>& values) {
    std::vector<const char*> result;
    result.reserve(values.size());
    for (const std::string& value : values) {
        result.push_back(value.c_str());
    }
    return result;
}

bool is_copy(const PGresult* result) {
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT;
}

}  // namespace

Outcome outcome_of(const PGresult* result) {
    Outcome outcome;
    switch (PQresultStatus(result)) {
        case PGRES_FATAL_ERROR:
        case PGRES_NONFATAL_ERROR:
        case PGRES_BAD_RESPONSE: {
            const char* const code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
            outcome.sqlstate = code != nullptr ? code : "lost";
            outcome.message = PQresultErrorMessage(result);
            break;
        }
        case PGRES_PIPELINE_ABORTED:
            outcome.sqlstate = "skipped";
            break;
        default:
            outcome.rows = PQntuples(result);
            if (outcome.rows > 0 && PQnfields(result) > 0 && PQgetisnull(result, 0, 0) == 0) {
                outcome.value = PQgetvalue(result, 0, 0);
            }
    }
    return outcome;
}

Session::Session(const Login& login) {
    const std::array keywords = {"application_name", "options", "dbname",
                                 static_cast<const char*>(nullptr)};
    const std::array values = {login.application.c_str(), login.options.c_str(),
                               login.database.empty() ? nullptr : login.database.c_str(),
                               static_cast<const char*>(nullptr)};
    connection_.reset(PQconnectdbParams(keywords.data(), values.data(), 0));
    if (PQstatus(raw()) != CONNECTION_OK) {
        throw Broken(PQerrorMessage(raw()));
    }
    PQsetNoticeReceiver(raw(), &Session::on_notice, this);
    meter_.start();
}

void Session::note_ready() {
    meter_.ready(PQtransactionStatus(raw()) != PQTRANS_IDLE);
}

// libpq hands an error that it did not ask for to the receiver of notices, and then
// reports no more than that the connection is lost.
void Session::on_notice(void* self, const PGresult* notice) {
    const char* const severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != nullptr && std::strcmp(severity, "FATAL") == 0) {
        Outcome& farewell = static_cast<Session*>(self)->farewell_;
        farewell.sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
        farewell.message = PQresultErrorMessage(notice);
    }
}

// The outcome of what was sent: of the first part that failed, else of the last one.
Outcome Session::finish(int sent) {
    Outcome outcome;
    if (sent == 1) {
        while (const Result result{PQgetResult(raw())}) {
            if (outcome.ok()) {
                outcome = outcome_of(result.get());
            }
        }
    } else {
        outcome = {"lost", PQerrorMessage(raw()), "", 0};
        // What the server said last is there, and nobody has looked at it.
        const Result rest(PQgetResult(raw()));
    }
    note_ready();
    return outcome.sqlstate == "lost" && !farewell_.ok() ? farewell_ : outcome;
}

Outcome Session::exec(const std::string& sql) {
    meter_.sent();
    return finish(PQsendQuery(raw(), sql.c_str()));
}

std::string Session::must(const std::string& sql) {
    const Outcome outcome = exec(sql);
    if (!outcome.ok()) {
        throw Broken(sql + ": " + outcome.sqlstate + " " + outcome.message);
    }
    return outcome.value;
}

Outcome Session::exec_params(const std::string& sql, const std::vector<std::string>& values) {
    meter_.sent();
    return finish(PQsendQueryParams(raw(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                                    pointers(values).data(), nullptr, nullptr, 0));
}

Outcome Session::prepare(const std::string& name, const std::string& sql) {
    meter_.sent();
    return finish(PQsendPrepare(raw(), name.c_str(), sql.c_str(), 0, nullptr));
}

Outcome Session::exec_prepared(const std::string& name, const std::vector<std::string>& values) {
    meter_.sent();
    return finish(PQsendQueryPrepared(raw(), name.c_str(), static_cast<int>(values.size()),
                                      pointers(values).data(), nullptr, nullptr, 0));
}

void Session::begin_copy_in(const std::string& sql) {
    meter_.sent();
    const Result result(PQexec(raw(), sql.c_str()));
    if (!is_copy(result.get())) {
        throw Broken(sql + ": " + PQresultErrorMessage(result.get()));
    }
}

void Session::put_copy_data(const std::string& data) {
    if (PQputCopyData(raw(), data.data(), static_cast<int>(data.size())) != 1) {
        throw Broken(PQerrorMessage(raw()));
    }
    while (PQflush(raw()) > 0) {
    }
}

Outcome Session::end_copy_in() {
    if (PQputCopyEnd(raw(), nullptr) != 1) {
        throw Broken(PQerrorMessage(raw()));
    }
    const Result result(PQgetResult(raw()));
    while (const Result more{PQgetResult(raw())}) {
    }
    note_ready();
    return outcome_of(result.get());
}

Outcome Session::copy_out(const std::string& sql) {
    meter_.sent();
    const Result start(PQexec(raw(), sql.c_str()));
    if (!is_copy(start.get())) {
        note_ready();
        return outcome_of(start.get());
    }
    char* row = nullptr;
    while (PQgetCopyData(raw(), &row, 0) > 0) {
        PQfreemem(row);
    }
    const Result result(PQgetResult(raw()));
    while (const Result more{PQgetResult(raw())}) {
    }
    note_ready();
    return outcome_of(result.get());
}

Outcome Session::call(Oid function, const std::vector<int>& values) {
    std::vector<PQArgBlock> arguments(values.size());
    for (size_t i = 0; i < values.size(); i++) {
        arguments[i].isint = 1;
        arguments[i].len = 4;
        arguments[i].u.integer = values[i];
    }
    int value = 0;
    int length = 0;
    meter_.sent();
    PQconsumeInput(raw());  // PQfn() would not see why the connection is lost
    PQfreemem(PQnotifies(raw()));
    const Result result(PQfn(raw(), static_cast<int>(function), &value, &length, 1,
                             arguments.data(), static_cast<int>(arguments.size())));
    note_ready();
    Outcome outcome = outcome_of(result.get());
    if (outcome.sqlstate == "lost" && !farewell_.ok()) {
        outcome = farewell_;
    }
    if (outcome.ok()) {
        outcome.value = std::to_string(value);
    }
    return outcome;
}

void think(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

}  // namespace leash::protocol
