"""Run the tutorials, each in a kernel of its own, and store what they show; `--check` runs them and stores nothing.

    python docs/tutorials/make.py --check          what continuous integration does: `make notebooks`
    python docs/tutorials/make.py 01               run one again and store its outputs

Figures are stored as SVG, all drawn with one start of the browser: a page of them needs no script and no network.
The notebooks run in a folder of their own, where later ones find the runs of earlier ones.
"""

import argparse
import base64
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
SECONDS = 300
MOST_BYTES = 1_000_000
PLOTLY = "application/vnd.plotly.v1+json"
TIMED = re.compile(r"((?:training|measuring): [\d,]+ of [\d,]+) in \d+ s")
WIDGET = "application/vnd.jupyter.widget-view+json"


def main() -> int:
    """Run the notebooks; 1 where one fails, or is larger than a page should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="beginnings of file names; all where none")
    parser.add_argument("--check", action="store_true", help="store nothing")
    options = parser.parse_args()
    # The figures' data in the outputs, and no script of 5 MB.
    os.environ["PLOTLY_RENDERER"] = "plotly_mimetype"
    # The kernel of this Python, whatever the user has of the same name.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    chosen = [
        p for p in notebooks() if not options.names or p.name.startswith(tuple(options.names))
    ]
    if not chosen:
        print(f"no notebook begins with {', '.join(options.names)}", file=sys.stderr)
        return 2
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        books = []
        for path in chosen:
            book = executed(path, Path(folder))
            if book is None:
                return 1
            books.append((path, book))
        print(f"{len(books)} notebooks in {time.monotonic() - began:.0f} s")
        return 0 if options.check else store(books, Path(folder))


def notebooks() -> list[Path]:
    """Return the tutorials in their order."""
    return sorted(HERE.glob("[0-9]*.ipynb"))


def executed(path: Path, folder: Path) -> Any:
    """Run a notebook from a clean kernel and return it with its outputs; None, and the error told, where it fails."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    book = nbformat.read(path, as_version=4)
    began = time.monotonic()
    client = NotebookClient(
        book, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError) as error:
        print(f"{path.name}: {str(error)[:4000]}", file=sys.stderr)
        return None
    print(f"{path.name}: {time.monotonic() - began:.0f} s", flush=True)
    return book


def store(books: list[tuple[Path, Any]], folder: Path) -> int:
    """Write the notebooks with their outputs made small and static."""
    import nbformat

    draw_all([book for _, book in books], folder)
    status = 0
    for path, book in books:
        tidy(book)
        text = nbformat.writes(book)
        size = len(text.encode())
        if size > MOST_BYTES:
            print(f"{path.name}: {size:,} bytes, more than {MOST_BYTES:,}", file=sys.stderr)
            status = 1
        path.write_text(text + "\n", encoding="utf-8")
    return status


def draw_all(books: list[Any], folder: Path) -> None:
    """Put a picture in the place of every figure, and the figure's text alternative into its cell."""
    import plotly.graph_objects as go

    from grokscope.figures import write_images
    from grokscope.figures.alternative import alternative_text

    places = [(cell, output) for book in books for cell, output in outputs(book)
              if PLOTLY in output.get("data", {})]  # fmt: skip
    figures = []
    for number, (_, output) in enumerate(places):
        told = decoded(output["data"][PLOTLY])
        figures.append((go.Figure(told["data"], told["layout"]), folder / f"figure-{number}.svg"))
    drawn = write_images(figures, width="double", theme="screen")
    for (cell, output), (figure, _), file in zip(places, figures, drawn, strict=True):
        told = (figure.layout.meta or {}).get("alternative")
        alternative = told or alternative_text(figure, "Figure")
        output["data"] = {"image/svg+xml": smaller(file.read_text(encoding="utf-8"))}
        output["metadata"] = {}
        if output["output_type"] == "execute_result":
            output["data"]["text/plain"] = "<Figure>"
        cell.metadata["mystnb"] = {"image": {"alt": alternative}}


def decoded(told: Any) -> Any:
    """Return a figure's JSON with lists in place of the bytes that plotly writes arrays as."""
    if isinstance(told, dict) and {"dtype", "bdata"} <= told.keys():
        flat = np.frombuffer(base64.b64decode(told["bdata"]), told["dtype"])
        shape = [int(n) for n in str(told.get("shape", flat.size)).split(",")]
        return (
            [None if n != n else n for n in flat.tolist()]
            if len(shape) == 1
            else flat.reshape(shape)
        )
    if isinstance(told, dict):
        return {key: decoded(value) for key, value in told.items()}
    return [decoded(each) for each in told] if isinstance(told, list) else told


def smaller(svg: str) -> str:
    """Return an SVG with coordinates of two decimals, which is a fiftieth of a pixel."""
    return re.sub(
        r"\d+\.\d{3,}(?!\w)",
        lambda found: f"{float(found.group()):.2f}".rstrip("0").rstrip("."),
        svg,
    )


def tidy(book: Any) -> None:
    """Drop what differs from one running to the next and is no result: times, widgets' state, identifiers of output."""
    book.metadata.pop("widgets", None)
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    book.metadata["language_info"] = {"name": "python"}
    book.metadata.pop("jupytext", None)
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number:02}"
        cell.metadata.pop("execution", None)
    for _, output in outputs(book):
        output.get("data", {}).pop(WIDGET, None)
        output.pop("transient", None)
        for kind, shown in output.get("data", {}).items():
            output["data"][kind] = TIMED.sub(r"\1", shown) if isinstance(shown, str) else shown


def outputs(book: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every output with its cell."""
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            yield cell, output


if __name__ == "__main__":
    sys.exit(main())
