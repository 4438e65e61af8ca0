#include "commands/table.hpp"

#include <algorithm>
#include <ostream>

#include "base/text.hpp"

namespace portcullis::commands {

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], text::utf8_length(row[i]));
    }
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out << row[i];
      if (i + 1 < row.size()) out << std::string(widths[i] + 2 - text::utf8_length(row[i]), ' ');
    }
    out << "\n";
  }
}

}  // namespace portcullis::commands
