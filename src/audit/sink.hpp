#pragma once
#include "audit/event.hpp"

namespace portcullis::audit {

/// Where events go. The log is the first sink; recorder, stores and alerts are others.
///
/// Threads: safe from any.
/// Promise: when record() has returned, the event is the sink's to keep; the answer to the request
/// is
///          sent afterwards, never before.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void record(const Event& event) = 0;
};

}  // namespace portcullis::audit
