"""config.json: readable, of a schema that is known, with the hashes that it says, and a schedule that agrees."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grokscope.checking.finding import RESTORE, Finding, fault, note, refused
from grokscope.checking.scene import CHECKPOINTS, Scene, steps_in
from grokscope.config import SCHEMA_VERSION, config_hash
from grokscope.errors import GrokscopeError, RequestError
from grokscope.reading import is_plain_file, read_json_bounded
from grokscope.runs.config_file import CONFIG_FILE, INFO_HASH, has_its_digest
from grokscope.runs.run import Run, open_run, versions
from grokscope.tasks import TASKS


def opened_run(path: Path) -> tuple[Run | None, list[Finding]]:
    """Return the run, or why it cannot be opened, which is its config.json's fault.

    Raises
    ------
    RequestError
        Where `path` holds no run, one of a newer schema, or one of a task that is not registered here.
    """
    try:
        run = open_run(path)
    except GrokscopeError as error:
        if not path.is_dir() or not is_damaged(path):
            raise
        return None, [refused(CONFIG_FILE, error, RESTORE)]
    return run, []


def is_damaged(path: Path) -> bool:
    """Return whether a folder is a run whose config.json is missing, or is not as it was written."""
    if not is_plain_file(path / CONFIG_FILE):
        return bool(steps_in(path / CHECKPOINTS))
    try:
        info = read_json_bounded(path / CONFIG_FILE)
        config = info["config"]
        if info["schema"] > SCHEMA_VERSION:
            return _was_of_this_schema(info)
        sound = config_hash(config) == info["config_hash"] and has_its_digest(info)
        if sound and not (path / CHECKPOINTS).is_dir():
            return is_plain_file(path / "metrics.jsonl")  # it was trained
        return not (sound and config["task"]["task"] not in TASKS)
    except (GrokscopeError, LookupError, TypeError, ValueError):
        return True


def _was_of_this_schema(info: dict[str, Any]) -> bool:
    """Return whether the file has its digests with a schema that we know: then that number was changed, and no more."""
    return INFO_HASH in info and any(
        has_its_digest(info | {"schema": known}) for known in range(1, SCHEMA_VERSION + 1)
    )


def check_configuration(scene: Scene) -> Iterator[Finding]:
    """Yield what is wrong with a config.json that can be opened."""
    run = scene.run
    declared = run.info.get("declared_checkpoints")
    if scene.is_ours and declared is not None and declared != sorted(scene.declared):
        yield fault(
            CONFIG_FILE, "the checkpoints that it declares are not those of its own schedule"
        )
    if not scene.is_sealed and INFO_HASH not in run.info:
        yield note(
            CONFIG_FILE,
            "of an older grokscope: without digests, a change that leaves metrics as they are goes unseen",
        )
    if not scene.is_ours:
        return
    told = run.info.get("versions")
    there = told if isinstance(told, dict) else {}
    other = [f"{k} {there.get(k)}, here {v}" for k, v in versions().items() if there.get(k) != v]
    if other:
        yield note(
            CONFIG_FILE, f"trained with {'; '.join(other)}: to go on with it may give other bits"
        )


def task_is_known(run: Run) -> None:
    """Raise RequestError where the run's table cannot be made here."""
    try:
        _ = run.task
    except GrokscopeError as error:
        raise RequestError(f"{run.path}: {error.given}", error.accepted, error.todo) from error
