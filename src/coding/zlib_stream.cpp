#include "coding/zlib_stream.hpp"

#include <algorithm>
#include <limits>
#include <new>

namespace portcullis::coding {
namespace {

constexpr std::size_t kPiece = 4096;

/// As much of `in` as zlib takes at a time. It does not write through this pointer.
void give(z_stream& stream, std::string_view in) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in =
      static_cast<uInt>(std::min<std::size_t>(in.size(), std::numeric_limits<uInt>::max()));
}

void make_room(z_stream& stream, std::span<char> out) {
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
}

}  // namespace

InflateStream::InflateStream(int window_bits) {
  if (inflateInit2(&stream_, window_bits) != Z_OK) throw std::bad_alloc();
}

InflateStream::~InflateStream() { inflateEnd(&stream_); }

InflateStream::Step InflateStream::run(std::string_view& in, std::span<char> out) {
  give(stream_, in);
  make_room(stream_, out);
  const std::size_t given = stream_.avail_in;
  const int status = inflate(&stream_, Z_SYNC_FLUSH);
  in.remove_prefix(given - stream_.avail_in);
  return {status, out.size() - stream_.avail_out};
}

DeflateStream::DeflateStream(int level, int window_bits, int memory_level) {
  if (deflateInit2(&stream_, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::bad_alloc();
  }
}

DeflateStream::~DeflateStream() { deflateEnd(&stream_); }

void DeflateStream::append(std::string_view in, int flush, std::string& out) {
  const std::size_t room = std::max(kPiece, in.size() / 2);
  std::size_t made = 0;
  do {
    const std::size_t at = out.size();
    out.resize(at + room);
    give(stream_, in);
    make_room(stream_, {out.data() + at, room});
    const std::size_t given = stream_.avail_in;
    (void)deflate(&stream_, given == in.size() ? flush : Z_NO_FLUSH);
    in.remove_prefix(given - stream_.avail_in);
    made = room - stream_.avail_out;
    out.resize(at + made);
  } while (made == room || !in.empty());
}

}  // namespace portcullis::coding
