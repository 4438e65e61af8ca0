#include "detect/rule.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace portcullis::detect {

void put_embedded_database_away() noexcept {
  const auto bytes = embedded_rules().database;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  // Only pages that hold nothing else, and clean ones of a file: their content cannot be lost.
  const std::uintptr_t first = (begin + page - 1) / page * page;
  const std::uintptr_t end = (begin + bytes.size()) / page * page;
  if (first < end) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

}  // namespace portcullis::detect
