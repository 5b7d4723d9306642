#include "source/open_source.h"

#include "source/sql_source.h"

namespace leash::tool {

std::unique_ptr<Source> open_source(const Options& options) {
    return std::make_unique<SqlSource>(Connection::open(options.connection));
}

}  // namespace leash::tool
