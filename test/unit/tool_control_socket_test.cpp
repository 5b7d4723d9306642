// The tool at the worker's socket: where it looks for one, and what it makes of whatever
// answers there.
#include "connection/control_socket.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "connection/connect_error.h"

namespace leash::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Reason = ControlError::Reason;

// A directory with the socket of a server, and perhaps somebody who answers one client.
class Place {
public:
    Place() {
        char name[] = "/tmp/leash.XXXXXX";
        directory_ = mkdtemp(name);
        std::ofstream(directory_ + "/.s.PGSQL.5432") << "";
    }
    ~Place() {
        if (answering_.joinable()) {
            answering_.join();
        }
        if (listener_ >= 0) {
            close(listener_);
        }
        unlink(control_path(directory_, "5432").c_str());
        unlink((directory_ + "/.s.PGSQL.5432").c_str());
        rmdir(directory_.c_str());
    }

    const std::string& directory() const { return directory_; }

    void listen_there() {
        listener_ = socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        strcpy(address.sun_path, control_path(directory_, "5432").c_str());
        ASSERT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(listen(listener_, 1), 0);
    }

    // Reads a line, unless `hasty`, and answers.
    void answer(const std::string& text, bool hasty = false) {
        listen_there();
        answering_ = std::thread([this, text, hasty] {
            const int client = accept(listener_, nullptr, nullptr);
            char c = 0;
            while (!hasty && read(client, &c, 1) == 1 && c != '\n') {
                request += c;
            }
            (void)send(client, text.data(), text.size(), MSG_NOSIGNAL);
            close(client);
        });
    }

    nlohmann::json ask() {
        ControlRequest question{};
        question.verb = ControlVerb::sessions;
        return ask_worker(directory_, "5432", question);
    }

    // Why it cannot be asked.
    std::pair<Reason, std::string> refusal() {
        try {
            ask();
        } catch (const ControlError& error) {
            return {error.reason(), error.what()};
        }
        ADD_FAILURE() << "it was answered";
        return {};
    }

    std::string request;

private:
    std::string directory_;
    int listener_ = -1;
    std::thread answering_;
};

TEST(ControlPlaces, OnlyThisMachine) {
    EXPECT_THAT(control_directories("/run/pg"), ElementsAre("/run/pg"));
    for (const char* host : {"", "localhost", "127.0.0.1", "127.1.2.3", "::1"}) {
        EXPECT_THAT(control_directories(host), ElementsAre("/var/run/postgresql", "/tmp")) << host;
    }
    for (const char* host :
         {"db1", "10.0.0.1", "localhost.example.com", "@abstract", "1270.0.0.1"}) {
        EXPECT_TRUE(control_directories(host).empty()) << host;
    }
    EXPECT_EQ(control_path("/tmp", "5433"), "/tmp/.s.pgleash.5433");
}

TEST(ControlSocket, AnAnswer) {
    Place place;
    place.answer(R"({"schema_version":1,"rows":[]})");
    EXPECT_TRUE(place.ask().contains("rows"));
}

TEST(ControlSocket, TheRequest) {
    Place place;
    place.answer(R"({"schema_version":1})");
    place.ask();
    EXPECT_EQ(place.request, "pgleash 1 sessions");
}

TEST(ControlSocket, WhoeverIsTurnedAwayBeforeHeCouldAskHearsWhy) {
    for (int i = 0; i < 50; ++i) {
        Place place;
        place.answer(R"({"schema_version":1,"error":"no"})", true);
        EXPECT_EQ(place.ask()["error"], "no");
    }
}

TEST(ControlSocket, NobodyThere) {
    Place place;
    EXPECT_EQ(place.refusal().first, Reason::absent);
    EXPECT_THAT(place.refusal().second, HasSubstr(control_path(place.directory(), "5432")));
}

TEST(ControlSocket, AFileThatIsLeftOver) {
    Place place;
    std::ofstream(control_path(place.directory(), "5432")) << "";
    EXPECT_EQ(place.refusal().first, Reason::silent);
}

TEST(ControlSocket, NoServerBesideIt) {
    Place place;
    place.answer("");
    unlink((place.directory() + "/.s.PGSQL.5432").c_str());
    EXPECT_EQ(place.refusal().first, Reason::strange);
}

TEST(ControlSocket, AnswersThatAreNone) {
    const std::pair<const char*, Reason> answers[] = {
        {"", Reason::silent},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", Reason::strange},
        {"{\"schema_version\":1,\"rows\":[[\"", Reason::strange},
        {"[1]", Reason::strange},
        {"{}", Reason::strange},
        {"{\"schema_version\":2}", Reason::strange},
        {"{\"schema_version\":\"1\"}", Reason::strange},
    };
    for (const auto& [text, reason] : answers) {
        Place place;
        place.answer(text);
        EXPECT_EQ(place.refusal().first, reason) << text;
    }
}

TEST(ControlSocket, APathThatIsTooLong) {
    ControlRequest request{};
    try {
        ask_worker("/" + std::string(200, 'x'), "5432", request);
        FAIL();
    } catch (const ControlError& error) {
        EXPECT_EQ(error.reason(), Reason::absent);
    }
}

TEST(ServerFull, IsToldFromOtherLimits) {
    const auto full = [](const std::string& code, const std::string& function) {
        return is_server_full(parse_connect_error(
            "x failed: FATAL:  " + code + ": refused\nLOCATION:  " + function + ", some.c:1\n"));
    };
    EXPECT_TRUE(full("53300", "InitProcess"));
    EXPECT_TRUE(full("53300", "ProcessStartupPacket"));
    EXPECT_TRUE(full("53300", "InitPostgres"));
    EXPECT_FALSE(full("53300", "InitializeSessionUserId"));
    EXPECT_FALSE(full("53300", "CheckMyDatabase"));
    EXPECT_FALSE(full("57P03", "InitProcess"));
    EXPECT_TRUE(is_server_full(parse_connect_error("x failed: FATAL:  53300: refused\n")));
}

}  // namespace
}  // namespace leash::tool
