"""How long things take on this machine: the fast forward beside a plain one, and the start of the program.

    python analyses/speed.py [threads]

The setting is that of Nanda et al. 2023: p = 113, 3,830 training rows, one layer, 512 neurons, loss in float64. An
update is forward, loss, gradients, and a step of AdamW.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from grokscope.config import RunConfig
from grokscope.models.fast import fast_forward, make_plan
from grokscope.models.transformer import HookedTransformer
from grokscope.tasks import make_split, make_task


def seconds(action: Callable[[], object], repeats: int) -> float:
    """Return the median time of `action`, after two calls that do not count."""
    times = []
    for _ in range(repeats + 2):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[2:])


def updates() -> dict[str, Callable[[], None]]:
    """Return one update with the hooked forward, and one with the fast forward."""
    config = RunConfig()
    task = make_task(config.task.task, config.task.p)
    split = make_split(task, config.split)
    rows = split.rows("train")
    tokens, labels = torch.as_tensor(task.tokens[rows]), torch.as_tensor(split.labels[rows])
    plan = make_plan(task.tokens[rows], causal=config.model.attention_mask == "causal")

    def update(fast: bool) -> Callable[[], None]:
        model = HookedTransformer(config.model)
        weights = dict(model.named_parameters())
        optimiser = torch.optim.AdamW(weights.values(), lr=1e-3, weight_decay=1.0)

        def once() -> None:
            optimiser.zero_grad()
            if fast:
                logits = fast_forward(weights, config.model, plan).logits
            else:
                logits = model(tokens)[:, -1]
            torch.nn.functional.cross_entropy(logits.double(), labels).backward()
            optimiser.step()

        return once

    return {"hooked forward": update(False), "fast forward": update(True)}


def main() -> None:
    """Print the table."""
    if len(sys.argv) > 1:
        torch.set_num_threads(int(sys.argv[1]))
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    times = {name: seconds(update, repeats=10) for name, update in updates().items()}
    for name, taken in times.items():
        print(f"one update, {name:<16} {taken * 1e3:7.1f} ms")
    print(f"{'ratio':<28} {times['hooked forward'] / times['fast forward']:7.1f}")
    start = "import sys; from grokscope.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "--help"]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        taken = seconds(lambda: subprocess.run(command, capture_output=True, check=True), repeats=5)
        print(f"{'grokscope --help':<28} {taken * 1e3:7.1f} ms")


if __name__ == "__main__":
    main()
