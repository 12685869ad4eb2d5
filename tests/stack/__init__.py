"""The same scenarios on every level of realism, from our own simulation to a real kernel; see `tests.stack.stage`."""
