# One line a benchmark, in the order of the rooms.
bench_target(log_append log)
bench_target(kafka_codec wire_kafka)
bench_target(table_write table)
bench_target(cql_wire client wire_cql)
bench_target(decode stream)
# Load over the wire; bench.py calls it.
add_executable(bench_load load.cc)
target_link_libraries(bench_load PRIVATE client stream penstock_flags)
