"""A virtual machine with a real Bluetooth stack: its image, made of Debian packages and wheels, and one run of it.

Who uses it: `tests/stack/conftest.py`, which runs the tests of `tests/stack/guest` in it, and `python -m
tests.stack.vm`.
Read in this order: `needs`, `packages`, `kernel`, `wheels`, `archive`, `image`, `machine`, `results`.
"""
