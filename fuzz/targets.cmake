# One line a target, in the order of the rooms.
fuzz_target(cql_text cql)
fuzz_target(sql_expression sql)
