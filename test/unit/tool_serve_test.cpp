// pgleash serve: what it is told, and what it says in HTTP.
#include "config/settings.h"
#include "serve/http_engine.h"
#include "serve/listen_address.h"
#include "serve/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "failure.h"

namespace leash::tool {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(ListenAddress, IsAnAddressAndAPort) {
    const auto parsed = [](const std::string& text) {
        const ListenAddress address = parse_listen_address("--listen", text);
        return address.host + " " + address.port;
    };
    EXPECT_EQ(parsed("127.0.0.1:19187"), "127.0.0.1 19187");
    EXPECT_EQ(parsed("[::1]:0"), "::1 0");
    EXPECT_EQ(parsed("[::]:65535"), ":: 65535");
    EXPECT_EQ(parsed("localhost:80"), "localhost 80");
}

TEST(ListenAddress, IsRefusedWhenItCouldBeMeantOtherwise) {
    for (const char* text : {"", "19187", "127.0.0.1", "127.0.0.1:", ":19187", "::1:19187", "::1",
                             "[::1]", "[127.0.0.1]:1", "a:65536", "a:-1", "a:1x", "a:123456"}) {
        EXPECT_THROW(parse_listen_address("--listen", text), Failure) << text;
    }
}

TEST(ServeSettings, CommandLineWins) {
    const Settings settings =
        Settings::read({Config::parse("[serve]\nlisten = '[::1]:1'\ntimeout = '3s'\n", "file")},
                       {"PGLEASH_SERVE_CLIENT_TIMEOUT=250ms"});
    ServeChoices chosen;
    chosen.timeout_seconds = 7;
    const ServeSettings serve = completed(merged(serve_choices(settings), chosen));
    EXPECT_EQ(serve.listen.host, "::1");
    EXPECT_EQ(serve.timeout_seconds, 7);
    EXPECT_EQ(serve.client_timeout_seconds, 0.25);
    EXPECT_EQ(completed({}).listen.host, "127.0.0.1");
    EXPECT_EQ(completed({}).listen.port, "19187");
}

TEST(ServeSettings, AreCheckedWhereTheyStand) {
    const auto complaint = [](const std::string& text) {
        try {
            Settings::read({Config::parse(text, "file")}, {});
        } catch (const Failure& failure) {
            return std::string(failure.what());
        }
        return std::string();
    };
    EXPECT_THAT(complaint("[serve]\nlisten = 'x'\n"),
                StartsWith("file:2:10: listen: write ADDRESS:PORT"));
    EXPECT_THAT(complaint("[serve]\nlisten = 1\n"), StartsWith("file:2:10: listen: write"));
    EXPECT_THAT(complaint("[serve]\ntimeout = '0s'\n"), StartsWith("file:2:11: timeout:"));
    EXPECT_THAT(complaint("[serve]\nport = 1\n"), StartsWith("file:2:1: unknown key"));
}

class HttpEngineTest : public testing::Test {
protected:
    HttpEngine engine_{[this](const std::string& path) {
        if (path == "/throw") {
            throw std::runtime_error("it is broken");
        }
        path_ = path;
        return HttpAnswer{path == "/none" ? 404 : 200, "text/x", "the body\n"};
    }};
    std::string path_ = "nothing";
};

TEST_F(HttpEngineTest, Answers) {
    const std::string response = engine_.respond("GET /a%20b?c=d HTTP/1.1");
    EXPECT_EQ(path_, "/a b");
    EXPECT_THAT(response, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\n\r\nthe body\n"),
                                HasSubstr("\r\nContent-Type: text/x\r\n"),
                                HasSubstr("\r\nContent-Length: 9\r\n"),
                                HasSubstr("\r\nConnection: close\r\n")));
    EXPECT_THAT(engine_.respond("GET /none HTTP/1.0"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
}

TEST_F(HttpEngineTest, AnswersHeadWithoutTheBody) {
    EXPECT_THAT(engine_.respond("HEAD / HTTP/1.1"),
                AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nContent-Length: 9\r\n"),
                      EndsWith("\r\n\r\n")));
}

TEST_F(HttpEngineTest, RefusesOtherMethods) {
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"}) {
        EXPECT_THAT(engine_.respond(std::string(method) + " / HTTP/1.1"),
                    AllOf(StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"),
                          HasSubstr("\r\nAllow: GET, HEAD\r\n")))
            << method;
    }
    EXPECT_EQ(path_, "nothing");
}

TEST_F(HttpEngineTest, RefusesWhatIsNoRequest) {
    for (const std::string& line :
         {std::string(), std::string("GET"), std::string("GET /"), std::string("GET / HTTP/2"),
          std::string("GET /\0 HTTP/1.1", 15), std::string("\xff\xfe\x00\x01", 4),
          std::string("GET / HTTP/1.1 x")}) {
        EXPECT_THAT(engine_.respond(line), StartsWith("HTTP/1.1 400 Bad Request\r\n")) << line;
    }
    EXPECT_EQ(path_, "nothing");
}

TEST_F(HttpEngineTest, KeepsWhatIsBrokenToItself) {
    EXPECT_THAT(engine_.respond("GET /throw HTTP/1.1"),
                AllOf(StartsWith("HTTP/1.1 500 "), Not(HasSubstr("it is broken"))));
}

}  // namespace
}  // namespace leash::tool
