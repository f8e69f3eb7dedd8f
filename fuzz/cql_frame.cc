// SPDX-License-Identifier: Apache-2.0
// Any bytes as a request and as a response of CQL, v3 to v5: framing, unpacking, prefix, and the
// decoder of the opcode.
#include <cstdlib>

#include "wire/cql/messages.h"

namespace penstock::cql {
namespace {

void decode_request(Opcode opcode, BytesView body, std::uint8_t version) {
  switch (opcode) {
    case Opcode::Startup:
      static_cast<void>(decode_startup(body, version));
      break;
    case Opcode::AuthResponse:
      static_cast<void>(decode_auth_response(body, version));
      break;
    case Opcode::Register:
      static_cast<void>(decode_register(body, version));
      break;
    case Opcode::Query:
      static_cast<void>(decode_query(body, version));
      break;
    case Opcode::Prepare:
      static_cast<void>(decode_prepare(body, version));
      break;
    case Opcode::Execute:
      static_cast<void>(decode_execute(body, version));
      break;
    case Opcode::Batch: {
      BatchRequest batch;
      if (!decode_batch(body, version, batch)) break;
      // What was understood must come back the same.
      Bytes again;
      Writer to(again, version);
      write(to, batch);
      BatchRequest twice;
      if (!decode_batch(again, version, twice) || twice.values != batch.values ||
          twice.keyspace != batch.keyspace || twice.now_in_seconds != batch.now_in_seconds)
        std::abort();
      break;
    }
    default:
      break;
  }
}

void decode_response(Opcode opcode, BytesView body, std::uint8_t version) {
  switch (opcode) {
    case Opcode::Error:
      static_cast<void>(decode_error(body, version));
      break;
    case Opcode::Authenticate:
      static_cast<void>(decode_authenticate(body, version));
      break;
    case Opcode::Supported:
      static_cast<void>(decode_supported(body, version));
      break;
    case Opcode::Result:
      static_cast<void>(decode_result(body, version));
      break;
    case Opcode::Event:
      static_cast<void>(decode_event(body, version));
      break;
    case Opcode::AuthChallenge:
      static_cast<void>(decode_auth_challenge(body, version));
      break;
    case Opcode::AuthSuccess:
      static_cast<void>(decode_auth_success(body, version));
      break;
    default:
      break;
  }
}

void decode(BytesView bytes) {
  if (bytes.empty()) return;
  const auto request = request_frame_size(bytes);
  auto size = request ? request : response_frame_size(bytes);
  if (!size) {
    static_cast<void>(unsupported_version(bytes));
    if (bytes[0] != kVersionMax) return;
    size = envelope_size(bytes);  // what only a client of ours speaks
    if (!size) return;
  }
  if (*size == 0 || *size > bytes.size()) return;
  const auto frame = parse_frame(bytes.substr(0, *size));
  if (!frame) std::abort();
  for (const Compression agreed : {Compression::None, Compression::Lz4, Compression::Snappy}) {
    Bytes scratch;
    auto body = unpacked_body(*frame, agreed, scratch, std::size_t{1} << 20);
    if (!body || !take_prefix(frame->header, *body)) continue;
    decode_request(frame->header.opcode, *body, frame->header.version);
    decode_response(frame->header.opcode, *body, frame->header.version);
  }
}

}  // namespace
}  // namespace penstock::cql

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::cql::decode({reinterpret_cast<const char*>(data), size});
  return 0;
}
