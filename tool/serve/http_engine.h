// HTTP itself, by cpp-httplib, without a socket: text in, text out.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace leash::tool {

struct HttpAnswer {
    int status = 200;
    std::string content_type;
    std::string body;
};

class HttpEngine {
public:
    /// The answer to GET of a path; HEAD is the same without the body, and other methods are
    /// refused.
    using Handler = std::function<HttpAnswer(const std::string& path)>;

    explicit HttpEngine(Handler handler);
    ~HttpEngine();

    /// The response to a request with this first line.
    std::string respond(const std::string& request_line);

private:
    class Server;
    std::unique_ptr<Server> server_;
};

}  // namespace leash::tool
