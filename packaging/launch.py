"""Start of both frozen programs: the name it is called by decides, as with installed entry points."""

import multiprocessing
import sys
from pathlib import Path

if __name__ == "__main__":
    multiprocessing.freeze_support()  # first: a child process that torch starts must not open a window

    if Path(sys.argv[0]).stem == "optgui-window":
        from optgui.app import main
    else:
        from optgui.cli import main

    sys.exit(main())
