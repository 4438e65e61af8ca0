#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace portcullis {

/// SipHash-2-4 with a 128-bit result: a keyed hash for tables whose keys strangers choose. Without
/// the key nobody can find values that collide.
///
/// Cost:   about 25 ns for an address, 1 byte a cycle for long input.
/// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; the 128-bit variant of
/// the
///         reference implementation.
std::array<std::uint64_t, 2> siphash128(std::string_view data,
                                        std::array<std::uint64_t, 2> key) noexcept;

}  // namespace portcullis
