#pragma once
#include <functional>
#include <iosfwd>

namespace portcullis::commands {

/// How a command ends. What is refused or has failed says why in one line on standard error.
enum ExitStatus : int {
  kDone = 0,
  kFailed = 1,
  kBadUsage = 2,  ///< of the command line, or of the configuration
};

/// Where a command reads, writes and complains.
struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

/// What has been asked for, once the command line has been read.
using Command = std::function<int(const Streams& streams)>;

}  // namespace portcullis::commands
