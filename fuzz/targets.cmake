# One line a target, in the order of the rooms.
fuzz_target(cql_text cql)
fuzz_target(sql_expression sql)
fuzz_target(cql_frame wire_cql)
fuzz_target(cql_value wire_cql)
fuzz_target(log_recovery log)
fuzz_target(kafka_request wire_kafka)
fuzz_target(kafka_record_batch wire_kafka)
fuzz_target(kafka_decompress wire_kafka)
