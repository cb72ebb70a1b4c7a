"""`python -m grokscope`."""

import sys

from grokscope.cli import main

sys.exit(main())
