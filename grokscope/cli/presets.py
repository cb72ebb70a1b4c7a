"""grokscope presets: list the presets."""

from collections.abc import Sequence
from dataclasses import dataclass

from grokscope.cli.output import print_json, print_table
from grokscope.cli.parse import parse


@dataclass(frozen=True)
class Options:
    """List the presets, with their source."""

    json: bool = False
    """Print as JSON, with the whole configuration."""


def main(argv: Sequence[str]) -> int:
    """Print the presets."""
    options = parse(Options, "presets", argv)
    from grokscope.presets import PRESETS

    if options.json:
        print_json(
            [
                {
                    "name": p.name,
                    "summary": p.summary,
                    "source": p.source,
                    "config": p.config.to_dict(),
                }
                for p in PRESETS.values()
            ]
        )
    else:
        print_table(
            ("preset", "what", "source"), [(p.name, p.summary, p.source) for p in PRESETS.values()]
        )
    return 0
