#pragma once
#include <iosfwd>
#include <string>
#include <vector>

namespace portcullis::commands {

/// Columns of text as wide as their widest cell, two spaces apart; the last one is not padded.
class Table {
 public:
  explicit Table(std::vector<std::string> titles) { rows_.push_back(std::move(titles)); }

  /// REQUIRES: as many cells as there are titles, valid UTF-8.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace portcullis::commands
