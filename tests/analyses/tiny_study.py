"""A script of analyses/ run on a sweep that takes seconds."""

import csv

TINY = """
task = "group_mul"
preset = "chughtai2023_mlp"
seeds = [0, 1]

[set]
frac_train = 0.7
d_model = 16
d_mlp = 16
lr = 5e-3
steps = 60
eval_every = 20
checkpoint_every = 20
checkpoint_log = 0

[[case]]
name = "S3"
group = "S3"
"""


def tiny_study(tmp_path, name, text=TINY):
    """Return a study whose two scales are one tiny sweep."""
    from published.study import Study

    path = tmp_path / f"{name}.toml"
    path.write_text(text)
    return Study(name, str(path), str(path))


def cells(folder, name):
    """Return the rows of a written table, without its header."""
    with open(folder / f"published-vs-measured-{name}.csv", newline="") as file:
        return list(csv.reader(file))[1:]
