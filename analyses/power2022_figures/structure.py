"""Figure 3: t-SNE of the rows of the output layer, for addition and for the product in S5."""

import numpy as np
import plotly.graph_objects as go

import grokscope as gs
from grokscope.figures.snapshot_gallery.compact_cosets import compact_cosets
from grokscope.figures.snapshot_gallery.output_rows import output_rows
from grokscope.harmonics.step_distances import step_distances
from grokscope.runs.snapshot import Snapshot
from grokscope.sweeps import Sweep
from power2022_figures.words import median_words
from published.claims import Claim

PUBLISHED_STEP = 8
DRAWS = 499


def _last(sweep: Sweep) -> dict[str, Snapshot]:
    """Return each finished run at its last checkpoint, by task."""
    finished = [record for record in sweep.runs if record.status in ("done", "stopped early")]
    runs = [sweep.run(record.label, record.seed) for record in finished]
    return {run.task.name: run.snapshot() for run in runs}


def draw(sweep: Sweep) -> dict[str, go.Figure]:
    """Draw the answers of each task; of addition with the step that is most regular."""
    return {
        f"3-{task}": gs.figures.output_tsne(snap, **({"step": "best"} if task == "mod_add" else {}))
        for task, snap in _last(sweep).items()
    }


def claims(sweep: Sweep) -> list[Claim]:
    """Answers lie on lines of equal steps, and in cosets."""
    ds = sweep.dataset()
    found = [
        Claim(f"{ds['run'].values[run]}: 99 % validation accuracy", "-", median_words(ds, "grokked_99", run), None)
        for run in range(ds.sizes["run"])
    ]  # fmt: skip
    snaps = _last(sweep)
    if "mod_add" in snaps:
        found += _steps(output_rows(snaps["mod_add"]).rows)
    if "group_mul" in snaps:
        found.append(_cosets(snaps["group_mul"]))
    return found


def _steps(rows: np.ndarray) -> list[Claim]:
    distances = step_distances(rows)
    chance = _smallest_by_chance(rows)
    best = int(np.argmin(distances)) + 1
    low = float(np.quantile(chance, 0.01))
    return [
        Claim(
            "addition: the step s whose ends lie nearest (squared distance of c and c + s over that of all pairs)",
            f"lines of + {PUBLISHED_STEP}",
            f"s = {best}: {distances[best - 1]:.3f}; by chance the smallest is {np.median(chance):.3f}",
            bool(distances[best - 1] < low),
            "criterion: below 99 % of random orders; which step it is depends on the key frequencies of the network",
        ),
        Claim(
            f"addition: the same for s = {PUBLISHED_STEP}",
            "small",
            f"{distances[PUBLISHED_STEP - 1]:.3f}",
            None,
        ),
    ]


def _smallest_by_chance(rows: np.ndarray) -> np.ndarray:
    """Return the smallest distance over all steps, for random orders of the rows."""
    rng = np.random.default_rng(0)
    return np.array([step_distances(rng.permutation(rows)).min() for _ in range(DRAWS)])


def _cosets(snap: Snapshot) -> Claim:
    found = compact_cosets(output_rows(snap), draws=DRAWS)
    return Claim(
        "product in S5: scatter within over between cosets, smallest over the subgroups of the published one's order",
        "cosets of ⟨(0 3)(1 4), (1 2)(3 4)⟩ lie together",
        f"{found.side} cosets of {found.words} (order {found.order}): {found.ratio:.3f}; by chance "
        f"{np.median(found.chance):.3f}",
        bool(found.as_low_by_chance < 0.01),
        "criterion: as low in less than 1 % of random dealings out; the published generators give 10 elements",
    )
