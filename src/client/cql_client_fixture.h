// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>

#include "client/cql_client.h"
#include "client/test_cluster.h"
#include "net/fake_connection.h"
#include "net/fake_loop.h"
#include "wire/cql/messages.h"
#include "wire/cql/segment.h"
#include "wire/cql/values.h"

namespace penstock::client {

using cql::Opcode;

// One connection as the server sees it.
struct Peer {
  net::Address address;
  std::shared_ptr<net::FakeConnection> connection;
  std::unique_ptr<net::Session> session;
  bool lz4 = false;  // what its segments are asked to be

  // Protocol v5, after STARTUP was answered.
  bool segmented() const { return connection->frame_size != nullptr; }
};

struct Asked {
  cql::FrameHeader header;
  Bytes body;
};

// The client against a scripted server: connections are fakes, time stands still until the test
// moves it.
class CqlClientTest : public testing::Test {
 protected:
  CqlClientTest() {
    config.contact_points = {{"one", 9042}};
    config.in_flight_max = 8;
    config.protocol_version = 4;
  }

  void open() {
    client = CqlClient::open(
        config, loop, metrics,
        [this](net::Loop&, const net::Address& address, Duration, const net::ConnectionLimits&,
               net::MakeSession make, Function<void(Result<net::ConnectionPtr>)> done) {
          dialled.push_back(loop.clock().now());
          if (refuse || refused.contains(address.host))
            return done(fail(Code::Unavailable, "refused"));
          Peer peer{address, std::make_shared<net::FakeConnection>(loop), nullptr};
          peer.session = make(peer.connection);
          peer.session->on_open(*peer.connection);
          peers.push_back(std::move(peer));
          done(net::ConnectionPtr(peers.back().connection));
        });
    loop.run();
  }

  // The requests that came on a connection since the last call.
  std::vector<Asked> take(Peer& peer) {
    std::vector<Asked> asked;
    Bytes sent = peer.connection->take_sent();
    if (peer.segmented()) sent = unsegmented(peer, sent);
    for (BytesView rest = sent; !rest.empty();) {
      const std::size_t size = cql::envelope_size(rest).value();
      const cql::Frame frame = cql::parse_frame(rest.substr(0, size)).value();
      asked.push_back({frame.header, Bytes(frame.body)});
      rest.remove_prefix(size);
    }
    return asked;
  }

  // What the segments carry, and how many there were.
  Bytes unsegmented(const Peer& peer, BytesView sent) {
    Bytes all;
    Bytes scratch;
    segments = 0;
    for (; !sent.empty(); ++segments) {
      const std::size_t size = cql::segment_size(sent, peer.lz4).value();
      all += cql::open_segment(sent.substr(0, size), peer.lz4, scratch).value().payload;
      sent.remove_prefix(size);
    }
    return all;
  }

  Bytes response(const Asked& asked, Opcode opcode,
                 const std::function<void(cql::Writer&)>& fill = nullptr) {
    auto writer = cql::FrameWriter::response(asked.header.version, asked.header.stream, opcode);
    auto body = writer.body();
    if (fill) fill(body);
    return std::move(writer).finish();
  }
  Bytes segmented(const Peer& peer, BytesView envelopes) {
    Bytes bytes;
    cql::append_segments(envelopes, peer.lz4, bytes);
    return bytes;
  }
  // Cuts them as the connection would.
  void deliver(Peer& peer, BytesView bytes) {
    while (!bytes.empty() && peer.connection->open) {
      const auto size = peer.connection->frame_size(bytes);
      if (!size) {
        peer.session->on_bad_frame(*peer.connection, bytes, size.error());
        break;
      }
      peer.session->on_frame(*peer.connection, bytes.substr(0, *size));
      bytes.remove_prefix(*size);
    }
    loop.run();
  }
  void answer(Peer& peer, const Asked& asked, Opcode opcode,
              const std::function<void(cql::Writer&)>& fill = nullptr) {
    const Bytes frame = response(asked, opcode, fill);
    if (peer.segmented()) return deliver(peer, segmented(peer, frame));
    peer.session->on_frame(*peer.connection, frame);
    loop.run();
  }
  void answer_void(Peer& peer, const Asked& asked) {
    answer(peer, asked, Opcode::Result, [](cql::Writer& to) { write(to, cql::VoidResult{}); });
  }
  void answer_error(Peer& peer, const Asked& asked, const cql::ErrorResponse& error) {
    answer(peer, asked, Opcode::Error, [&](cql::Writer& to) { write(to, error); });
  }
  void answer_error(Peer& peer, const Asked& asked, cql::ErrorCode code) {
    cql::ErrorResponse error;
    error.code = code;
    error.message = "no";
    answer_error(peer, asked, error);
  }
  void answer_prepared(Peer& peer, const Asked& asked, std::string_view id) {
    answer(peer, asked, Opcode::Result, [&](cql::Writer& to) {
      cql::PreparedResult prepared;
      prepared.id = Bytes(id);
      prepared.markers = {{"k", "t", "id", cql::Kind::Text}, {"k", "t", "v", cql::Kind::Text}};
      prepared.partition_key_markers = {0};
      write(to, prepared);
    });
  }
  void answer_rows(Peer& peer, const Asked& asked, const std::vector<cql::ColumnSpec>& columns,
                   const std::vector<Bytes>& cells) {
    answer(peer, asked, Opcode::Result, [&](cql::Writer& to) {
      cql::RowsBuilder rows;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        rows.cell(cells[i]);
        if ((i + 1) % columns.size() == 0) rows.end_row();
      }
      rows.finish(to, columns);
    });
  }
  void answer_unprepared(Peer& peer, const Asked& asked, std::string_view id) {
    cql::ErrorResponse error;
    error.code = cql::ErrorCode::Unprepared;
    error.prepared_id = Bytes(id);
    answer_error(peer, asked, error);
  }
  void tell(Peer& peer, const cql::ServerEvent& event) {
    auto writer = cql::FrameWriter::response(4, -1, Opcode::Event);
    auto body = writer.body();
    write(body, event);
    const Bytes frame = std::move(writer).finish();
    peer.session->on_frame(*peer.connection, frame);
    loop.run();
  }
  void disconnect(Peer& peer) {
    peer.connection->close();
    peer.session->on_close(*peer.connection);
    loop.run();
  }

  // Answers the handshake, REGISTER and the system tables of a fresh connection.
  void greet(Peer& peer) {
    for (int turn = 0; turn < 10; ++turn) {
      for (const Asked& asked : take(peer)) greet(peer, asked);
    }
  }
  void greet(Peer& peer, const Asked& asked) {
    switch (asked.header.opcode) {
      case Opcode::Options:
        return answer(peer, asked, Opcode::Supported,
                      [this](cql::Writer& to) { write(to, supported); });
      case Opcode::Startup:
        peer.lz4 = asked.header.version >= 5 &&
                   cql::decode_startup(asked.body, 5)->option("COMPRESSION") == "lz4";
        return answer(peer, asked, Opcode::Ready);
      case Opcode::Register:
        return answer(peer, asked, Opcode::Ready);
      case Opcode::Query: {
        const std::string text(cql::decode_query(asked.body, asked.header.version)->query);
        const FakeRows rows =
            text.find("system_schema.keyspaces") != text.npos
                ? fake_keyspaces(keyspaces)
                : fake_system(cluster, peer.address.host, text.find("system.peers") != text.npos);
        return answer_rows(peer, asked, rows.columns, rows.cells);
      }
      default:
        ADD_FAILURE() << "unexpected " << cql::name(asked.header.opcode);
    }
  }

  void connect() {
    open();
    greet_all();
  }
  // Also those that are dialled meanwhile.
  void greet_all() {
    for (std::size_t i = 0; i < peers.size(); ++i) greet(peers[i]);
  }
  // As prepare(), by whichever node is asked.
  PreparedPtr prepare_anywhere() {
    PreparedPtr statement;
    client->prepare("INSERT", [&](Result<PreparedPtr> result) { statement = result.value(); });
    loop.run();
    for (Peer& peer : peers) {
      for (const Asked& asked : take(peer)) answer_prepared(peer, asked, "ID");
    }
    return statement;
  }
  // Three nodes, of which one is a contact point.
  void three_nodes() {
    cluster = {{"10.0.0.1"}, {"10.0.0.2"}, {"10.0.0.3"}};
    for (std::size_t i = 0; i < 3; ++i)
      cluster[i].tokens = {std::to_string(static_cast<int>(i) * 1000)};
    config.contact_points = {cluster[0].address()};
  }
  Peer* open_peer(const std::string& host) {
    for (Peer& peer : peers) {
      if (peer.address.host == host && peer.connection->open) return &peer;
    }
    return nullptr;
  }
  std::vector<std::string> open_hosts() {
    std::vector<std::string> hosts;
    for (const Peer& peer : peers) {
      if (peer.connection->open) hosts.push_back(peer.address.host);
    }
    std::ranges::sort(hosts);
    return hosts;
  }
  // The answer to DDL.
  void answer_changed(Peer& peer, const Asked& asked) {
    answer(peer, asked, Opcode::Result, [](cql::Writer& to) {
      write_schema_result(to, cql::SchemaChange{"CREATED", "TABLE", "k", "t", {}});
    });
  }
  // Sends DDL and has it answered by whoever got it; `done` tells what became of it.
  Peer* change_schema(std::optional<Result<ResultSet>>& done) {
    client->query("CREATE TABLE", {}, [&](Result<ResultSet> result) { done = std::move(result); });
    loop.run();
    for (Peer& peer : peers) {
      for (const Asked& asked : take(peer)) {
        answer_changed(peer, asked);
        return &peer;
      }
    }
    return nullptr;
  }
  cql::StatusChange status(const char* change, const std::string& host) {
    return {change, {fake_inet(host), 9042}};
  }

  PreparedPtr prepare(Peer& peer, std::string_view id = "ID", const char* text = "INSERT") {
    PreparedPtr statement;
    client->prepare(text, [&](Result<PreparedPtr> result) { statement = result.value(); });
    loop.run();
    const auto asked = take(peer);
    if (!asked.empty()) answer_prepared(peer, asked.at(0), id);
    return statement;
  }

  WriteBatch rows(const PreparedPtr& statement, std::initializer_list<const char*> cells) {
    WriteBatch batch;
    batch.statement = statement;
    batch.columns = 2;
    for (const char* cell : cells) batch.cells.emplace_back(cell);
    return batch;
  }

  // As a server does that speaks nothing newer than `version`.
  void refuse_version(Peer& peer, const Asked& asked, int version) {
    cql::ErrorResponse error;
    error.code = cql::ErrorCode::ProtocolError;
    error.message = fmt::format(
        "Invalid or unsupported protocol version ({}); the lowest supported version is 3 and the "
        "greatest is {}",
        asked.header.version, version);
    Asked older = asked;
    older.header.version = static_cast<std::uint8_t>(version);
    answer_error(peer, older, error);
  }

  net::FakeLoop loop;
  Metrics metrics;
  CqlConfig config;
  cql::SupportedResponse supported{{{"CQL_VERSION", {"3.4.6"}}, {"COMPRESSION", {}}}};
  bool refuse = false;
  std::set<std::string> refused;  // hosts
  std::vector<FakeNode> cluster{{"one"}};
  FakeKeyspaces keyspaces;
  std::vector<TimePoint> dialled;
  std::deque<Peer> peers;
  std::size_t segments = 0;  // in what take() has taken
  std::unique_ptr<CqlClient> client;
};

}  // namespace penstock::client
