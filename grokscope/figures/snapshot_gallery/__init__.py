"""One file per figure of one run at one step; `grokscope.figures.SNAPSHOT_NAMES` lists them."""
