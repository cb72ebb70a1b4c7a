"""What a figure is drawn on: how wide it is, and how large its smallest text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sheet:
    """A width and a size of text, both in pixels of 1/96 inch.

    Attributes
    ----------
    across
        The picture's width.
    font
        The smallest text's size.
    grows
        How many pixels wider the picture may be shown, as its window is.
    """

    across: float
    font: float
    grows: float = 0.0

    @property
    def row(self) -> float:
        """The height of a row of text."""
        return 1.5 * self.font


#: A page's figure must also stand on a telephone, which is this wide at least.
SCREEN = Sheet(440.0, 12.0, grows=500.0)
