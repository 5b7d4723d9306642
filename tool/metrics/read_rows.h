// A sample from what a source has as rows: the worker's socket, or PostgreSQL's own views.
#pragma once

#include "connection/server.h"
#include "metrics/sample.h"
#include "source/source.h"

namespace leash::tool {

MetricsSample sample_rows(Source& source, const ServerInfo& server);

}  // namespace leash::tool
