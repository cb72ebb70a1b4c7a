"""`python -m grokscope.bench CASE CONTENDER SETTINGS`: the process of one contender; it talks JSON, a line each way."""

import sys

from grokscope.bench.serve import serve

if __name__ == "__main__":
    sys.exit(serve(sys.argv[1:]))
