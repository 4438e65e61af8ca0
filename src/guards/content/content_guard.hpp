#pragma once
#include <memory>

#include "detect/inspector.hpp"
#include "observe/metrics.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Refuses attacks in what a request says: path, query, headers and body. See README.md.
///
/// `inspector` must outlive the guard, which has a scratch of it for each of `workers`.
/// @returns exhausted without the memory for them.
Result<std::unique_ptr<pipeline::Guard>> make_content_guard(const detect::Inspector& inspector,
                                                            observe::Metrics& metrics,
                                                            unsigned workers);

}  // namespace portcullis::guards
