# One line a benchmark, in the order of the rooms.
