"""The numbers of Nanda et al. 2023 (arXiv 2301.05217), one a row, and of the one run of its recipe known beside it."""

from dataclasses import dataclass

KEY = (14, 35, 41, 42, 52)
"""The key frequencies of the paper's mainline run, seed 0."""
OTHER_KEYS = ((2, 9, 19, 31), (40, 44, 53), (31, 45, 49, 52))
"""Those of its other seeds; their labels are the paper's, so they are not matched by number."""

PAPER, INDEPENDENT = "paper", "independent run"


@dataclass(frozen=True)
class Published:
    """One published number and how it is to be read.

    Attributes
    ----------
    quantity
        Its name among the measured quantities (`quantities.py`).
    what
        The quantity in words, with the reading used where the text leaves one open.
    text, value
        As printed, and as a number.
    kind
        Which rule says what is inside: see `tolerances.py`.
    of
        paper, or the independent run.
    mainline
        Whether the number belongs to seed 0 alone, since it names a frequency.
    """

    quantity: str
    what: str
    text: str
    value: float
    kind: str
    of: str = PAPER
    mainline: bool = False


def _each(quantity: str, what: str, texts: str, kind: str, of: str = PAPER) -> list[Published]:
    """Return a row for each key frequency of seed 0."""
    return [
        Published(f"{quantity} {k}", what.format(k=k), t, float(t), kind, of, True)
        for k, t in zip(KEY, texts.split(), strict=True)
    ]


_SHARES = {"cos": "93.2 96.8 97.0 96.4 97.4", "sin": "93.5 96.5 97.0 96.4 98.2"}
_NEURONS = "neurons of frequency {k}: more than .85 of them explained by it"
_WITHOUT = (
    "loss without the neurons of frequency {k} (others polynomials, no skip path, means put back)"
)
_WAVES = "loss without cos, sin w(a+b) of frequency {k} in the neurons"
_READ = "read by W_L's {phase} direction of frequency {{k}}: explained by {phase} w(a+b), %"
_EXPLAINED = "neurons of which one frequency explains more than .85"
_TRIG = "of the logits, row-centred: explained by the sum of cos w(a+b-c), %"


def _one(quantity: str, what: str, text: str, kind: str, of: str = PAPER) -> Published:
    return Published(quantity, what, text, float(text.lstrip("< ")), kind, of)


ROWS: tuple[Published, ...] = (
    *_each("neurons", _NEURONS, "44 93 145 87 64", "neurons"),
    _one("neurons unexplained", "neurons that no frequency explains to .85", "79", "neurons"),
    _one("neurons explained", _EXPLAINED, "433", "neurons"),
    _one("W_L rank", "rank of W_L: singular directions that leave < .55 % of its norm", "10", "equal"),
    _one("W_L residual", "norm of what ten waves of the answer leave of W_L, %", "< .55", "at most"),
    *_each("share cos", _READ.format(phase="cos"), _SHARES["cos"], "percent"),
    *_each("share sin", _READ.format(phase="sin"), _SHARES["sin"], "percent"),
    _one("trig share", _TRIG, "95", "percent"),
    _one("loss", "loss on all pairs", "2.4e-7", "loss"),
    _one("trig loss", "loss of the sum of cos w(a+b-c) alone", "4.7e-8", "loss"),
    _one("sum directions", "loss keeping cos, sin w(a+b) and the mean (restricted)", "5.54e-8", "loss"),
    _one("key components", "loss keeping the 40 key components and the mean", "7.24e-8", "loss"),
    _one("W_L directions kept", "loss, neurons projected on W_L's ten directions, skip path kept", "1.19e-7", "loss"),
    _one("W_L directions removed", "loss, neurons projected on all but these", "5.27", "loss"),
    _one("polynomials", "loss, explained neurons replaced by polynomials of degree 2", "2.48e-7", "loss"),
    *_each("without neurons", _WITHOUT, "2.0e-4 4.6e-4 1.9e-3 5.2e-3 2.4e-2", "loss"),
    _one("attention, zero", "loss without attention (zero)", "24.3", "loss"),
    _one("attention skip, zero", "loss without the stream that skips attention (zero)", "19.1", "loss"),
    _one("MLP skip, zero", "loss without the stream that skips the neurons (zero)", "9.1e-7", "loss"),
    _one("MLP skip, mean", "the same, replaced by its mean", "7.25e-7", "loss"),
    *_each("neurons", _NEURONS, "43 77 127 96 83", "neurons", INDEPENDENT),
    _one("neurons explained", _EXPLAINED, "426", "neurons", INDEPENDENT),
    _one("trig share", _TRIG, "97.7", "percent", INDEPENDENT),
    *_each("without waves", _WAVES, "3.4e-4 2.1e-3 6.5e-3 2.4e-2 3.8e-2", "loss", INDEPENDENT),
    _one("loss", "loss on all pairs", "2.7e-7", "loss", INDEPENDENT),
    _one("accuracy without key", "accuracy without the key frequencies", ".02", "rounding", INDEPENDENT),
    _one("accuracy without random", "the same, as many random others, lowest of 20", "1.0", "rounding", INDEPENDENT),
)  # fmt: skip

#: A frequency taken from the neurons: the loss by the independent run's definition ("without waves") over that by the
#: paper's ("without neurons"), measured on the reference run: so the recorded runs are compared in one definition.
WAVES_OVER_NEURONS = {14: 2.02, 35: 6.35, 41: 2.25, 42: 5.28, 52: 1.81}

#: Loss of seed 1 before training, and how far the order of float32 sums moves it.
FIRST_LOSS, FIRST_LOSS_ROUNDING = 4.776912163, 1e-8

#: Where the phases end, by hand, for one and the same run: in the paper, and in the author's notebook before it.
PHASES = {
    "memorisation": (1_400, 1_000),
    "circuit formation": (9_400, 8_000),
    "cleanup": (14_000, 13_000),
}

#: Share of the pairs -> first step with a test loss below .01, in the author's own sweep.
SWEEP = {0.5: 1109, 0.4: 3324, 0.3: 8258, 0.28: 15612, 0.25: 22177}
SWEEP_LOSS = 0.01

#: Weight decay -> what is said of it.
DECAYS = {"0.3": "about 3x slower", "1": "groks", "3": "faster", "0": "never groks"}
SLOWER = 3.0

#: Share of the pairs -> what is said of it.
FRACTIONS = {
    "0.3": "groks",
    "0.4": "groks",
    "0.5": "groks",
    "0.6": "generalises at once",
    "0.1": "not in 40,000 steps",
    "0.2": "not in 40,000 steps",
}
FAR_ENOUGH = 40_000
