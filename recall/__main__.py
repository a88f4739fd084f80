"""`python -m recall`, and the script `recall`."""

import sys

from recall.cli import main

if __name__ == "__main__":
    sys.exit(main())
