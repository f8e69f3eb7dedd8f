# One line a benchmark, in the order of the rooms.
bench_target(log_append log)
