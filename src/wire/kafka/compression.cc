// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/compression.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

namespace penstock::kafka {
namespace {

constexpr BytesView kXerialMagic{"\x82SNAPPY\0", 8};
constexpr std::size_t kXerialHeaderBytes = 16;
constexpr std::size_t kXerialBlockBytes = 32 << 10;

// Room at the end of a string that grows by doubling up to a limit. One byte more than the limit is
// offered, so that a stream that ends exactly there is told from one that goes on.
class Sink {
 public:
  Sink(Bytes& out, std::size_t bytes_max, std::size_t guess)
      : out_(out), start_(out.size()), bytes_max_(bytes_max) {
    out_.resize(start_ + std::clamp<std::size_t>(guess, 256, bytes_max_ + 1));
  }
  ~Sink() { out_.resize(start_ + used_); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  char* at() { return out_.data() + start_ + used_; }
  std::size_t room() const { return out_.size() - start_ - used_; }

  // Takes note of `bytes` written at at(), and makes room for more. TooLarge when the limit is
  // passed.
  Result<void> advance(std::size_t bytes) {
    used_ += bytes;
    if (used_ > bytes_max_) {
      return fail(Code::TooLarge, "decompresses to more than {} bytes", bytes_max_);
    }
    if (room() == 0) out_.resize(start_ + std::min(used_ * 2, bytes_max_ + 1));
    return {};
  }

 private:
  Bytes& out_;
  std::size_t start_;
  std::size_t used_ = 0;
  std::size_t bytes_max_;
};

// A claim of a size is believed as far as the input could make it true at a usual rate; memory
// follows what comes out.
std::size_t believe(unsigned long long claimed, std::size_t input_bytes) {
  const std::size_t usual = input_bytes * 32 + 4096;
  return claimed < usual ? static_cast<std::size_t>(claimed) + 1 : input_bytes * 4;
}

Result<void> gunzip(BytesView bytes, std::size_t bytes_max, Bytes& out) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return fail(Code::Internal, "zlib does not start");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  Sink sink(out, bytes_max, bytes.size() * 4);
  for (;;) {
    const auto room = static_cast<uInt>(std::min<std::size_t>(sink.room(), UINT32_MAX));
    stream.next_out = reinterpret_cast<Bytef*>(sink.at());
    stream.avail_out = room;
    const int status = inflate(&stream, Z_NO_FLUSH);
    TRY(sink.advance(room - stream.avail_out));
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0) return {};
      // RFC 1952 lets members follow each other.
      if (inflateReset(&stream) != Z_OK) return fail(Code::Internal, "zlib does not restart");
    } else if (status != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) {
      return fail(Code::Corrupt, "gzip: {}", stream.msg ? stream.msg : "ends too early");
    }
  }
}

Result<void> gzip(BytesView bytes, Bytes& out) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return fail(Code::Internal, "zlib does not start");
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, deflateEnd);
  const std::size_t start = out.size();
  out.resize(start + deflateBound(&stream, bytes.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data() + start);
  stream.avail_out = static_cast<uInt>(out.size() - start);
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
    return fail(Code::Internal, "zlib does not finish");
  out.resize(out.size() - stream.avail_out);
  return {};
}

// One raw block; `bytes_left` is what may still come out.
Result<void> unsnappy_block(BytesView block, std::size_t& bytes_left, Bytes& out) {
  std::size_t size = 0;
  // No element of snappy's format makes more than 64 bytes out of two.
  if (snappy_uncompressed_length(block.data(), block.size(), &size) != SNAPPY_OK ||
      size / 32 > block.size()) {
    return fail(Code::Corrupt, "snappy: no block of {} bytes begins so", block.size());
  }
  if (size > bytes_left)
    return fail(Code::TooLarge, "snappy: a block claims {} bytes more than the limit",
                size - bytes_left);
  const std::size_t start = out.size();
  out.resize(start + size);
  if (snappy_uncompress(block.data(), block.size(), out.data() + start, &size) != SNAPPY_OK) {
    return fail(Code::Corrupt, "snappy: a block of {} bytes is damaged", block.size());
  }
  bytes_left -= size;
  return {};
}

Result<void> unsnappy(BytesView bytes, std::size_t bytes_max, Bytes& out) {
  if (!bytes.starts_with(kXerialMagic)) return unsnappy_block(bytes, bytes_max, out);
  if (bytes.size() < kXerialHeaderBytes)
    return fail(Code::Corrupt, "snappy: the xerial header is cut off");
  bytes.remove_prefix(kXerialHeaderBytes);
  while (!bytes.empty()) {
    if (bytes.size() < 4) return fail(Code::Corrupt, "snappy: a block length is cut off");
    const auto size = load_be<std::uint32_t>(bytes.data());
    bytes.remove_prefix(4);
    if (size > bytes.size())
      return fail(Code::Corrupt, "snappy: a block of {} bytes has {}", size, bytes.size());
    TRY(unsnappy_block(bytes.substr(0, size), bytes_max, out));
    bytes.remove_prefix(size);
  }
  return {};
}

Result<void> snappy(BytesView bytes, Bytes& out) {
  out.append(kXerialMagic);
  append_be(out, std::int32_t{1});  // version, and oldest compatible version
  append_be(out, std::int32_t{1});
  while (!bytes.empty()) {
    const BytesView block = bytes.substr(0, kXerialBlockBytes);
    bytes.remove_prefix(block.size());
    std::size_t size = snappy_max_compressed_length(block.size());
    const std::size_t start = out.size();
    out.resize(start + 4 + size);
    if (snappy_compress(block.data(), block.size(), out.data() + start + 4, &size) != SNAPPY_OK) {
      return fail(Code::Internal, "snappy does not compress");
    }
    store_be(out.data() + start, static_cast<std::uint32_t>(size));
    out.resize(start + 4 + size);
  }
  return {};
}

// Contexts are large and slow to make; each thread keeps one.
LZ4F_dctx* lz4_context() {
  static thread_local const auto context = [] {
    LZ4F_dctx* made = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION))) made = nullptr;
    return std::unique_ptr<LZ4F_dctx, size_t (*)(LZ4F_dctx*)>(made, LZ4F_freeDecompressionContext);
  }();
  return context.get();
}

Result<void> unlz4(BytesView bytes, std::size_t bytes_max, Bytes& out) {
  LZ4F_dctx* context = lz4_context();
  if (!context) return fail(Code::Internal, "lz4 does not start");
  LZ4F_resetDecompressionContext(context);
  Sink sink(out, bytes_max, bytes.size() * 4);
  for (;;) {
    std::size_t consumed = bytes.size();
    std::size_t produced = sink.room();
    const std::size_t wanted =
        LZ4F_decompress(context, sink.at(), &produced, bytes.data(), &consumed, nullptr);
    if (LZ4F_isError(wanted)) return fail(Code::Corrupt, "lz4: {}", LZ4F_getErrorName(wanted));
    bytes.remove_prefix(consumed);
    TRY(sink.advance(produced));
    if (wanted == 0 && bytes.empty()) return {};
    if (consumed == 0 && produced == 0) return fail(Code::Corrupt, "lz4: the frame ends too early");
  }
}

Result<void> lz4(BytesView bytes, Bytes& out) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.contentSize = bytes.size();
  const std::size_t start = out.size();
  out.resize(start + LZ4F_compressFrameBound(bytes.size(), &preferences));
  const std::size_t size = LZ4F_compressFrame(out.data() + start, out.size() - start, bytes.data(),
                                              bytes.size(), &preferences);
  if (LZ4F_isError(size)) return fail(Code::Internal, "lz4: {}", LZ4F_getErrorName(size));
  out.resize(start + size);
  return {};
}

Result<void> unzstd(BytesView bytes, std::size_t bytes_max, Bytes& out) {
  static thread_local const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(
      ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return fail(Code::Internal, "zstd does not start");
  ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
  // With its size known and room for all of it, a frame is decompressed in place. Unknown sizes are
  // the largest numbers.
  Sink sink(out, bytes_max,
            believe(ZSTD_getFrameContentSize(bytes.data(), bytes.size()), bytes.size()));
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer output{sink.at(), sink.room(), 0};
    const std::size_t before = input.pos;
    const std::size_t wanted = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(wanted)) return fail(Code::Corrupt, "zstd: {}", ZSTD_getErrorName(wanted));
    TRY(sink.advance(output.pos));
    if (wanted == 0 && input.pos == input.size) return {};
    if (output.pos == 0 && input.pos == before)
      return fail(Code::Corrupt, "zstd: the frame ends too early");
  }
}

Result<void> zstd(BytesView bytes, Bytes& out) {
  static thread_local const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(
      ZSTD_createCCtx(), ZSTD_freeCCtx);
  if (!context) return fail(Code::Internal, "zstd does not start");
  const std::size_t start = out.size();
  out.resize(start + ZSTD_compressBound(bytes.size()));
  const std::size_t size = ZSTD_compressCCtx(context.get(), out.data() + start, out.size() - start,
                                             bytes.data(), bytes.size(), ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(size)) return fail(Code::Internal, "zstd: {}", ZSTD_getErrorName(size));
  out.resize(start + size);
  return {};
}

}  // namespace

std::string_view name(Codec codec) {
  switch (codec) {
    case Codec::None:
      return "none";
    case Codec::Gzip:
      return "gzip";
    case Codec::Snappy:
      return "snappy";
    case Codec::Lz4:
      return "lz4";
    case Codec::Zstd:
      return "zstd";
  }
  return "unknown";
}

Result<void> decompress(Codec codec, BytesView bytes, std::size_t bytes_max, Bytes& out) {
  if (bytes.size() > INT32_MAX) return fail(Code::TooLarge, "{} compressed bytes", bytes.size());
  switch (codec) {
    case Codec::None:
      if (bytes.size() > bytes_max)
        return fail(Code::TooLarge, "{} bytes are over the limit of {}", bytes.size(), bytes_max);
      out.append(bytes);
      return {};
    case Codec::Gzip:
      return gunzip(bytes, bytes_max, out);
    case Codec::Snappy:
      return unsnappy(bytes, bytes_max, out);
    case Codec::Lz4:
      return unlz4(bytes, bytes_max, out);
    case Codec::Zstd:
      return unzstd(bytes, bytes_max, out);
  }
  return fail(Code::Corrupt, "there is no compression codec {}", static_cast<int>(codec));
}

Result<void> compress(Codec codec, BytesView bytes, Bytes& out) {
  if (bytes.size() > INT32_MAX) return fail(Code::TooLarge, "{} bytes to compress", bytes.size());
  switch (codec) {
    case Codec::None:
      out.append(bytes);
      return {};
    case Codec::Gzip:
      return gzip(bytes, out);
    case Codec::Snappy:
      return snappy(bytes, out);
    case Codec::Lz4:
      return lz4(bytes, out);
    case Codec::Zstd:
      return zstd(bytes, out);
  }
  return fail(Code::InvalidArgument, "there is no compression codec {}", static_cast<int>(codec));
}

}  // namespace penstock::kafka
