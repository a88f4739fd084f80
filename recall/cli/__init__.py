"""Arguments → one library call → render → exit code.

Exit codes: 0 done (an empty answer is an answer), 1 an error, 2 wrong usage, 130 stopped. With
`--json`, stdout holds one object, on failure too; progress and warnings go to stderr.
"""

from recall.cli.running import main

__all__ = ["main"]
