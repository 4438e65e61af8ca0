#pragma once
#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "detect/finding.hpp"

namespace portcullis::detect {

/// Working memory of one inspection after the other: one for each thread.
class Scratch {
 public:
  virtual ~Scratch() = default;
};

/// Judges texts. The engine of this folder is one; whatever reads other rules will be another.
///
/// Threads:   immutable; any thread, each with a scratch of its own.
/// Ownership: must outlive the scratches that it made.
/// Errors:    an Error means "could not decide", never "harmless".
class Inspector {
 public:
  virtual ~Inspector() = default;
  virtual Result<std::unique_ptr<Scratch>> make_scratch() const = 0;
  /// REQUIRES: `scratch` was made by this inspector and is in no other call.
  virtual Result<Finding> inspect(std::string_view text, Field field, Scratch& scratch) const = 0;
};

}  // namespace portcullis::detect
