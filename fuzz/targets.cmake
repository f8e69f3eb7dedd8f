# One line a target, in the order of the rooms.
