// serve: metrics and health over HTTP, for Prometheus and load balancers.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <fmt/format.h>

#include "commands/commands.h"
#include "commands/watch.h"
#include "serve/http_engine.h"
#include "serve/http_front.h"
#include "serve/notify.h"
#include "serve/pages.h"

namespace leash::tool {
namespace {

HttpLimits limits_of(const ServeSettings& settings) {
    HttpLimits limits;
    limits.patience = std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::duration<double>(settings.client_timeout_seconds));
    return limits;
}

// A machine that answers nothing must not hold up every scrape; who knows better says so.
void limit_connecting(double seconds) {
    setenv("PGCONNECT_TIMEOUT", fmt::format("{:.0f}", std::max(seconds, 2.0)).c_str(), 0);
}

// Signals come to the thread that waits for clients, while it waits.  Returns the mask of
// that time.
sigset_t block_signals() {
    std::signal(SIGPIPE, SIG_IGN);  // standard error may be a pipe whose reader has gone
    sigset_t ends;
    sigset_t before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &before);
    sigdelset(&before, SIGINT);
    sigdelset(&before, SIGTERM);
    return before;
}

}  // namespace

int run_serve(const Options& options) {
    const ServeSettings settings = completed(options.serve);
    limit_connecting(settings.timeout_seconds);
    const sigset_t waiting = block_signals();
    const InterruptWatch interrupt;

    Descriptor listener = listen_at(settings.listen);
    const std::string address = address_of(listener);
    Pages pages(options, settings.timeout_seconds);
    pages.page("/healthz");  // what is wrong is said now, not when somebody asks
    HttpEngine engine([&](const std::string& path) { return pages.page(path); });
    HttpFront front(std::move(listener), limits_of(settings),
                    [&](const std::string& line) { return engine.respond(line); });
    write_note(fmt::format("serving http://{0}/metrics and http://{0}/healthz", address));
    notify_manager("READY=1");
    front.run([&] { return interrupt.requested(); }, waiting);
    notify_manager("STOPPING=1");
    return kExitDone;
}

}  // namespace leash::tool
