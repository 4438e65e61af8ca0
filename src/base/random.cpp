#include "base/random.hpp"

#include <sys/random.h>

#include <bit>
#include <cstdlib>

namespace portcullis {
namespace {

std::uint64_t splitmix(std::uint64_t& x) noexcept {
  std::uint64_t z = (x += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

FastRandom::FastRandom() {
  // getrandom of 32 bytes neither blocks after boot nor returns short.
  if (getrandom(state_.data(), sizeof state_, 0) != static_cast<ssize_t>(sizeof state_))
    std::abort();
}

FastRandom::FastRandom(std::uint64_t seed) noexcept {
  for (auto& word : state_) word = splitmix(seed);
}

std::uint64_t FastRandom::next() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t FastRandom::below(std::uint64_t bound) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
}

double FastRandom::unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

FastRandom& FastRandom::local() {
  thread_local FastRandom random;
  return random;
}

}  // namespace portcullis
