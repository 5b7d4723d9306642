#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/options.h"
#include "source/source.h"

namespace leash::tool {

/// A server that is asked again and again: by one connection that is kept, by a new one
/// when that is gone, and over the worker's socket while the server is full.  Says once when
/// the server is lost, and once when it is back.
class KeptServer {
public:
    /// seconds: no statement takes longer.
    KeptServer(const Options& options, double seconds);

    /// Throws what went wrong; a Failure says what to do.
    void ask(const std::function<void(Source&)>& question);

private:
    bool ask_kept(const std::function<void(Source&)>& question);
    bool is_usable();
    void note_lost(const std::string& why);
    void note_back();

    Options options_;
    std::unique_ptr<Source> source_;
    bool lost_ = false;
};

}  // namespace leash::tool
