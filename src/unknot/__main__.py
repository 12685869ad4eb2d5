"""``python -m unknot`` is ``unknot``."""

from unknot.cli import main

main()
