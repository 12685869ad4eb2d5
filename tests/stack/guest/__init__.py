"""Tests that run inside the virtual machine, on a real Linux kernel and a real bluetoothd; see `tests/stack/vm`."""
