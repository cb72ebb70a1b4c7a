"""The process of one contender: starts it, then does a round whenever it is told to.

It answers every line that it reads with one line of JSON: first, unasked, {"ready": facts} or {"not_measured": reason};
to "round" {"sample": ...}; to "evidence" {"evidence": ...}. It ends when there is nothing more to read.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grokscope.bench.case import NotMeasuredError
from grokscope.bench.cases import load_case
from grokscope.bench.settings import Settings


def pack(settings: Settings) -> str:
    """Return `settings` as one word for the command line of the process."""
    run = None if settings.run is None else str(settings.run)
    return json.dumps(vars(settings) | {"run": run})


def unpack(text: str) -> Settings:
    """Return what `pack` packed."""
    found = json.loads(text)
    return Settings(**found | {"run": None if found["run"] is None else Path(found["run"])})


def serve(words: Sequence[str]) -> int:
    """Be the contender that `words` (case, contender, settings) name until there is nothing more to read."""
    # What a library prints must not stand among the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(**what: Any) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    case, name, settings = load_case(words[0]), words[1], unpack(words[2])
    contender = next(each for each in case.contenders if each.name == name)
    if settings.threads is not None:
        import torch

        torch.set_num_threads(settings.threads)
    try:
        started = contender.start(settings)
    except NotMeasuredError as reason:
        answer(not_measured=str(reason))
        return 0
    answer(ready=dict(started.facts))
    for line in sys.stdin:
        if line.strip() == "round":
            answer(sample=dict(started.sample()))
        else:
            answer(evidence=dict(started.evidence()))
    return 0
