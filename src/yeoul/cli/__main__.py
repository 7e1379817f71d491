"""So that `python -m yeoul.cli` is the same as `yeoul`."""

from yeoul.cli import main

main()
