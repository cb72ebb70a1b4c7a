"""One file per figure of a sweep; `grokscope.figures.SWEEP_NAMES` lists them."""
