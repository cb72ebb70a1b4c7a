"""The split: that the configuration, or the list of an imported run, still gives one."""

from collections.abc import Iterator

from grokscope.checking.finding import Finding, refused
from grokscope.checking.scene import Scene
from grokscope.errors import GrokscopeError
from grokscope.runs.run import CONFIG_FILE
from grokscope.runs.train_rows import FILE


def check_split(scene: Scene) -> Iterator[Finding]:
    """Yield that the training rows cannot be told: the list of an imported run is gone, or was changed."""
    try:
        _ = scene.run.split
    except GrokscopeError as error:
        yield refused(FILE if "train_rows" in scene.run.info else CONFIG_FILE, error)
