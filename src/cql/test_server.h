// SPDX-License-Identifier: Apache-2.0
// For the room's tests: a server over a store in a folder of its own, on a clock that the test
// moves, and a client that speaks frames.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "cql/cql_server.h"
#include "net/connection.h"
#include "net/loop.h"
#include "table/store.h"
#include "wire/cql/messages.h"
#include "wire/cql/values.h"

namespace penstock::cql_server {

inline constexpr std::string_view kKeyspace =
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";

class TestServer {
 public:
  explicit TestServer(CqlConfig config = {}) : config_(std::move(config)) {
    std::string name = (std::filesystem::temp_directory_path() / "penstock_cql_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    start();
  }
  ~TestServer() {
    halt();
    std::filesystem::remove_all(folder_);
  }

  void restart() {
    halt();
    start();
  }

  FakeClock clock;
  Metrics metrics;
  net::Loops loops{2, "cql"};
  net::BlockingPool pool{2, "cql"};
  std::unique_ptr<table::Store> store;
  std::unique_ptr<CqlServer> server;

 private:
  void start() {
    auto opened = table::Store::open(folder_, {}, metrics, clock);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
    auto made =
        CqlServer::open(config_, *store, {&loops.at(0), &loops.at(1)}, pool, metrics, clock);
    ASSERT_TRUE(made) << made.error().message;
    server = std::move(*made);
    const auto listening = server->listen({"127.0.0.1", 0});
    ASSERT_TRUE(listening) << listening.error().message;
  }
  void halt() {
    if (server) server->stop();
    server.reset();
    if (store) store->close();
    store.reset();
  }

  CqlConfig config_;
  std::filesystem::path folder_;
};

// A whole response, owned.
struct TestReply {
  cql::FrameHeader header;
  Bytes body;

  // What stands before the body itself.
  cql::BodyPrefix prefix() const {
    BytesView rest = body;
    auto taken = cql::take_prefix(header, rest);
    EXPECT_TRUE(taken);
    return taken ? std::move(*taken) : cql::BodyPrefix{};
  }
  BytesView after_prefix() const {
    BytesView rest = body;
    static_cast<void>(cql::take_prefix(header, rest));
    return rest;
  }
  cql::ErrorResponse error() const {
    if (header.opcode != cql::Opcode::Error) return {cql::ErrorCode::ServerError, "no error"};
    auto decoded = cql::decode_error(after_prefix(), header.version);
    return decoded ? *decoded : cql::ErrorResponse{};
  }
  cql::ResultResponse result() const {
    EXPECT_EQ(header.opcode, cql::Opcode::Result) << error().message;
    auto decoded = cql::decode_result(after_prefix(), header.version);
    EXPECT_TRUE(decoded) << decoded.error().message;
    return decoded ? std::move(*decoded) : cql::ResultResponse{};
  }
  // Rows as text, cells joined by '|'.
  std::vector<std::string> rows() const {
    const auto decoded = result();
    const auto* rows = std::get_if<cql::RowsResult>(&decoded);
    std::vector<std::string> lines;
    if (rows == nullptr) return lines;
    cql::Reader cells(rows->cells, header.version);
    for (std::int32_t row = 0; row < rows->row_count; ++row) {
      std::string line;
      for (std::int32_t i = 0; i < rows->metadata.column_count; ++i) {
        const cql::CellValue cell = cells.bytes();
        const bool typed = static_cast<std::size_t>(i) < rows->metadata.columns.size();
        line += (i > 0 ? "|" : "") +
                (typed ? cql::format_value(rows->metadata.columns[static_cast<std::size_t>(i)].type,
                                           cell)
                       : std::string(cell.view()));
      }
      lines.push_back(std::move(line));
    }
    return lines;
  }
  std::optional<Bytes> paging_state() const {
    const auto decoded = result();
    const auto* rows = std::get_if<cql::RowsResult>(&decoded);
    return rows == nullptr ? std::nullopt : rows->metadata.paging_state;
  }
};

// One connection, driven from the test's thread; every call waits for its answer.
class TestClient {
 public:
  explicit TestClient(TestServer& server, std::uint8_t version = 4, bool start = true)
      : version_(version) {
    std::promise<Result<net::ConnectionPtr>> connected;
    net::connect(
        server.loops.at(0), server.server->address(), std::chrono::seconds(10),
        cql::response_frame_size, {},
        [inbox = inbox_](const net::ConnectionPtr&) { return std::make_unique<Receiver>(inbox); },
        [&](Result<net::ConnectionPtr> result) { connected.set_value(std::move(result)); });
    auto result = connected.get_future().get();
    EXPECT_TRUE(result) << result.error().message;
    connection_ = *result;
    if (!start) return;
    cql::StartupRequest startup;
    startup.options = {{"CQL_VERSION", "3.0.0"}};
    EXPECT_EQ(request(cql::Opcode::Startup, [&](cql::Writer& to) { cql::write(to, startup); })
                  .header.opcode,
              cql::Opcode::Ready);
  }
  ~TestClient() {
    connection_->loop().post([connection = connection_] { connection->close(); });
  }

  // Sends and does not wait: for requests that are to be under way together.
  template <class Write>
  std::future<TestReply> start(cql::Opcode opcode, Write write, std::uint8_t flags = 0) {
    auto frame = cql::FrameWriter::request(version_, ++stream_, opcode);
    if (flags != 0) frame.add_flags(flags);
    cql::Writer body = frame.body();
    write(body);
    std::future<TestReply> answer = inbox_->expect(stream_);
    connection_->loop().post(
        [connection = connection_, bytes = std::move(frame).finish()]() mutable {
          connection->send(std::move(bytes));
        });
    return answer;
  }
  std::future<TestReply> start_query(std::string_view text) {
    const cql::QueryRequest made{text, {}};
    return start(cql::Opcode::Query, [&](cql::Writer& to) { cql::write(to, made); });
  }
  template <class Write>
  TestReply request(cql::Opcode opcode, Write write, std::uint8_t flags = 0) {
    std::future<TestReply> answer = start(opcode, write, flags);
    if (answer.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
      ADD_FAILURE() << "no answer to " << cql::name(opcode);
      return {};
    }
    return answer.get();
  }
  TestReply query(std::string_view text, cql::QueryParams params = {}, std::uint8_t flags = 0) {
    const cql::QueryRequest made{text, std::move(params)};
    return request(
        cql::Opcode::Query, [&](cql::Writer& to) { cql::write(to, made); }, flags);
  }
  cql::PreparedResult prepare(std::string_view text) {
    const cql::PrepareRequest made{text};
    const auto result =
        request(cql::Opcode::Prepare, [&](cql::Writer& to) { cql::write(to, made); }).result();
    return std::holds_alternative<cql::PreparedResult>(result)
               ? std::get<cql::PreparedResult>(result)
               : cql::PreparedResult{};
  }
  TestReply execute(const Bytes& id, std::vector<cql::CellValue> values,
                    cql::QueryParams params = {}) {
    params.values = std::move(values);
    const cql::ExecuteRequest made{id, std::move(params)};
    return request(cql::Opcode::Execute, [&](cql::Writer& to) { cql::write(to, made); });
  }
  TestReply batch(const cql::BatchRequest& made) {
    return request(cql::Opcode::Batch, [&](cql::Writer& to) { cql::write(to, made); });
  }
  std::optional<cql::ServerEvent> next_event() {
    auto answer = inbox_->expect(-1);
    if (answer.wait_for(std::chrono::seconds(20)) != std::future_status::ready) return std::nullopt;
    const TestReply event = answer.get();
    auto decoded = cql::decode_event(event.body, event.header.version);
    return decoded ? std::optional(std::move(*decoded)) : std::nullopt;
  }
  bool has_event() const {
    const std::lock_guard lock(inbox_->mutex);
    return !inbox_->events.empty();
  }
  void register_events(std::vector<std::string> events = {"SCHEMA_CHANGE", "STATUS_CHANGE",
                                                          "TOPOLOGY_CHANGE"}) {
    const cql::RegisterRequest made{std::move(events)};
    EXPECT_EQ(request(cql::Opcode::Register, [&](cql::Writer& to) { cql::write(to, made); })
                  .header.opcode,
              cql::Opcode::Ready);
  }

 private:
  struct Inbox {
    std::mutex mutex;
    std::map<std::int16_t, std::promise<TestReply>> expected;
    std::vector<TestReply> events;

    std::future<TestReply> expect(std::int16_t stream) {
      const std::lock_guard lock(mutex);
      expected[stream] = {};
      auto future = expected[stream].get_future();
      if (stream == -1 && !events.empty()) {
        expected[stream].set_value(std::move(events.front()));
        events.erase(events.begin());
        expected.erase(stream);
      }
      return future;
    }
    void take(TestReply reply) {
      const std::lock_guard lock(mutex);
      const auto found = expected.find(reply.header.stream);
      if (found == expected.end()) {
        if (reply.header.stream == -1) events.push_back(std::move(reply));
        return;
      }
      found->second.set_value(std::move(reply));
      expected.erase(found);
    }
  };
  struct Receiver final : net::Session {
    explicit Receiver(std::shared_ptr<Inbox> to) : inbox(std::move(to)) {}
    void on_frame(net::Connection&, BytesView bytes) override {
      auto frame = cql::parse_frame(bytes);
      if (!frame) return;
      TestReply reply{frame->header, Bytes(frame->body)};
      inbox->take(std::move(reply));
    }
    std::shared_ptr<Inbox> inbox;
  };

  std::uint8_t version_;
  std::int16_t stream_ = 0;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  net::ConnectionPtr connection_;
};

}  // namespace penstock::cql_server
