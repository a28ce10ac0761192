"""`python -m optgui` is the command `optgui`."""

import sys

from optgui.cli import main

if __name__ == "__main__":
    sys.exit(main())
