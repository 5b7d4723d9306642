// The library parses the request and writes the response.  What it does not do is to set
// limits to a client: a line without an end fills the memory, a byte a second keeps a thread
// for ever, and a Range header can multiply an answer.  So http_front.h talks to clients, and
// of a request the library sees the first line alone: none of the headers matters here.
#include "serve/http_engine.h"

#include <algorithm>
#include <utility>

#include <httplib.h>

namespace leash::tool {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";

// Not final, and some not marked override: versions of the library ask for more or fewer.
class TextStream : public httplib::Stream {
public:
    explicit TextStream(std::string in) : in_(std::move(in)) {}
    const std::string& out() const { return out_; }

    bool is_readable() const override { return read_ < in_.size(); }
    virtual bool is_writable() const { return true; }
    virtual bool wait_readable() const { return true; }
    virtual bool wait_writable() const { return true; }
    virtual time_t duration() const { return 0; }

    ssize_t read(char* to, size_t size) override {
        const std::size_t length = std::min(size, in_.size() - read_);
        in_.copy(to, length, read_);
        read_ += length;
        return static_cast<ssize_t>(length);
    }
    ssize_t write(const char* from, size_t size) override {
        out_.append(from, size);
        return static_cast<ssize_t>(size);
    }
    void get_remote_ip_and_port(std::string&, int&) const override {}
    void get_local_ip_and_port(std::string&, int&) const override {}
    socket_t socket() const override { return 0; }

private:
    std::string in_;
    std::size_t read_ = 0;
    std::string out_;
};

void set(httplib::Response& response, HttpAnswer answer) {
    response.status = answer.status;
    response.set_content(answer.body, answer.content_type);
}

}  // namespace

class HttpEngine::Server : public httplib::Server {
public:
    explicit Server(HttpEngine::Handler handler) : handler_(std::move(handler)) {
        set_default_headers({{"Cache-Control", "no-store"},
                             {"X-Content-Type-Options", "nosniff"},
                             {"Accept-Ranges", "none"}});
        // Before the library looks for what it could do itself.
        set_pre_routing_handler(
            [this](const httplib::Request& request, httplib::Response& response) {
                route(request, response);
                return HandlerResponse::Handled;
            });
        set_exception_handler(
            [](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
                set(response, {500, kText, "this is an error of pgleash\n"});
            });
        set_error_handler([](const httplib::Request&, httplib::Response& response) {
            if (response.body.empty()) {  // its own refusal
                response.set_content("this is no HTTP request\n", kText);
            }
        });
    }

    void process(httplib::Stream& stream) {
        bool closed = false;
        process_one(*this, stream, closed);
    }

private:
    // Newer versions want to be told the addresses.
    template <typename Self>
    static void process_one(Self& self, httplib::Stream& stream, bool& closed) {
        if constexpr (requires { self.process_request(stream, true, closed, nullptr); }) {
            self.process_request(stream, true, closed, nullptr);
        } else {
            self.process_request(stream, "", 0, "", 0, true, closed, nullptr);
        }
    }

    void route(const httplib::Request& request, httplib::Response& response) const {
        if (request.method == "GET" || request.method == "HEAD") {
            set(response, handler_(request.path));
        } else {
            response.set_header("Allow", "GET, HEAD");
            set(response, {405, kText, "only GET and HEAD are answered here\n"});
        }
    }

    HttpEngine::Handler handler_;
};

HttpEngine::HttpEngine(Handler handler) : server_(std::make_unique<Server>(std::move(handler))) {}
HttpEngine::~HttpEngine() = default;

std::string HttpEngine::respond(const std::string& request_line) {
    TextStream stream(request_line + "\r\n\r\n");
    server_->process(stream);
    return stream.out();
}

}  // namespace leash::tool
