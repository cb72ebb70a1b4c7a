"""A referee who looks at a figure as it is drawn: where each text stands, how large it is, how thin lines are."""

import json
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from plotly.offline import get_plotlyjs

from grokscope.figures.labels import figure_json

POINT = 4 / 3  # pixels

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>referee</title>
<style>body {{ margin: 0 }}</style><script>{plotly}</script></head><body><div id="plot"></div></body></html>"""

#: Every piece of text that is drawn, in one line of one size; lines and symbols with their widths.
LOOK = """
async figure => {
  const plot = document.getElementById("plot");
  Plotly.purge(plot);
  const config = {staticPlot: true};
  await Plotly.newPlot(plot, figure.data, figure.layout, config);
  const texts = [], strokes = [];
  // The four corners of a text's own box, which stands askew where the text does.
  const corners = owner => { const b = owner.getBBox(), m = owner.getScreenCTM();
    return [[b.x, b.y], [b.x + b.width, b.y], [b.x + b.width, b.y + b.height], [b.x, b.y + b.height]]
      .map(([x, y]) => { const p = new DOMPoint(x, y).matrixTransform(m); return [p.x, p.y]; }); };
  const hidden = e => { for (; e && e !== plot; e = e.parentElement) {
    const s = getComputedStyle(e);
    if (s.display === "none" || s.visibility === "hidden" || +s.opacity === 0) return true; } return false; };
  const walker = document.createTreeWalker(plot, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const parent = node.parentElement;
    if (!node.data.trim() || !parent.closest("svg text") || hidden(parent)) continue;
    const owner = parent.closest("text"), range = document.createRange();
    range.selectNodeContents(node);
    const b = range.getBoundingClientRect();
    if (b.width === 0 || b.height === 0) continue;
    if (node.data.trim() === "■" || node.data.trim() === "\\u200b") continue;
    const line = parent.closest("tspan.line");
    const lines = [...owner.querySelectorAll("tspan.line")];
    const kind = owner.closest("g[class]");
    texts.push({text: node.data, size: parseFloat(getComputedStyle(parent).fontSize),
      left: b.left, top: b.top, right: b.right, bottom: b.bottom,
      line: lines.indexOf(line),
      owner: (owner._number = owner._number || (window.counted = (window.counted || 0) + 1)),
      corners: corners(owner),
      kind: kind ? kind.getAttribute("class") : "",
      grown: owner.getScreenCTM ? Math.hypot(owner.getScreenCTM().a, owner.getScreenCTM().b) : 1});
  }
  plot.querySelectorAll("svg path, svg line").forEach(e => {
    const s = getComputedStyle(e), w = parseFloat(s.strokeWidth);
    const b = e.getBoundingClientRect();
    if (s.stroke === "none" || w === 0 || +s.strokeOpacity === 0 || (b.width === 0 && b.height === 0)) return;
    if (hidden(e)) return;
    strokes.push({width: w, kind: (e.closest("g[class]") || e).getAttribute("class") || ""});
  });
  const box = plot.querySelector("svg.main-svg").getBoundingClientRect();
  const panels = Object.entries(plot._fullLayout._plots).map(([name, p]) =>
    ({name, width: p.xaxis._length, height: p.yaxis._length, left: p.xaxis._offset, top: p.yaxis._offset}));
  const seen = p => panels.some(b => p.x > b.left && p.x < b.left + b.width && p.y > b.top && p.y < b.top + b.height);
  const curves = [];
  plot.querySelectorAll(".scatterlayer .trace .lines path.js-line").forEach(e => {
    const at = e.getScreenCTM(), n = e.getTotalLength();
    for (let d = 0; d <= n; d += 2) {
      const p = e.getPointAtLength(d).matrixTransform(at); if (seen(p)) curves.push([p.x, p.y]); } });
  return {texts, strokes, panels, curves, width: box.width, height: box.height};
}
"""


@dataclass(frozen=True)
class Text:
    """One piece of text as drawn: what it says, its size in pixels, its box on the page."""

    text: str
    size: float
    left: float
    top: float
    right: float
    bottom: float
    line: int
    owner: int
    corners: list[list[float]]
    kind: str
    grown: float

    def askew(self) -> bool:
        """Whether the text stands neither level nor upright."""
        (x0, y0), (x1, y1) = self.corners[:2]
        return abs(x1 - x0) > 1 and abs(y1 - y0) > 1

    def upright(self) -> bool:
        """Whether the text reads from below to above, or from above to below."""
        return abs(self.corners[1][0] - self.corners[0][0]) <= 1

    def inked(self) -> tuple[float, float, float, float]:
        """Return the box that ink fills: a font's box has room above capitals and below the line."""
        if self.upright():
            margin = 0.14 * (self.right - self.left)
            return self.left + margin, self.top, self.right - margin, self.bottom
        margin = 0.14 * (self.bottom - self.top)
        return self.left, self.top + margin, self.right, self.bottom - margin


@dataclass(frozen=True)
class Drawn:
    """A figure as it was drawn: its texts, its strokes, its panels and the size of the picture, in pixels."""

    texts: list[Text]
    strokes: list[dict[str, Any]]
    panels: list[dict[str, Any]]
    curves: list[list[float]]
    width: float
    height: float

    def overlaps(self) -> list[tuple[str, str]]:
        """Return the pairs of texts that lie on each other."""
        found = []
        for one, two in combinations(self.texts, 2):
            if one.owner == two.owner and one.line == two.line:
                continue
            if one.askew() or two.askew():
                if one.owner != two.owner and _cross(one.corners, two.corners):
                    found.append((one.text, two.text))
                continue
            a, b = one.inked(), two.inked()
            across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
            if across > 0.5 and down > 0.5:
                found.append((one.text, two.text))
        return found

    def cut(self) -> list[str]:
        """Return the texts that run out of the picture."""
        return [
            t.text
            for t in self.texts
            if (box := t.inked())
            and (
                min(box[0], box[1]) < -0.5
                or box[2] > self.width + 0.5
                or box[3] > self.height + 0.5
            )
        ]

    def on_curves(self) -> list[str]:
        """Return the texts that a curve runs through."""
        found = []
        for text in self.texts:
            left, top, right, bottom = text.inked()
            if any(left < x < right and top < y < bottom for x, y in self.curves):
                found.append(text.text)
        return found

    def points(self) -> list[float]:
        """Return the sizes of all texts in points, ascending."""
        return sorted(t.size * t.grown / POINT for t in self.texts)

    def thinnest(self) -> float:
        """Return the width of the thinnest stroke in points."""
        return min((s["width"] for s in self.strokes), default=1.0) / POINT


def _cross(one: list[list[float]], two: list[list[float]]) -> bool:
    """Whether two convex shapes share room: no line along a side of either parts them by a seventh of its height."""
    for shape in (one, two):
        for (x0, y0), (x1, y1) in pairwise([*shape, shape[0]]):
            across = [[(y1 - y0) * x - (x1 - x0) * y for x, y in corners] for corners in (one, two)]
            lack = min(map(max, across)) - max(map(min, across))
            if lack < 0.14 * (max(across[0]) - min(across[0])):
                return False
    return True


class Referee:
    """Draws figures one after the other on one page and looks at each."""

    def __init__(self, opened: Any) -> None:
        self.opened = opened
        opened.page.set_viewport_size({"width": 1000, "height": 2500})
        opened.page.set_content(PAGE.format(plotly=get_plotlyjs()))

    def look(self, figure: Any) -> Drawn:
        """Draw a figure that `resize` has set and return what stands where."""
        found = self.opened.page.evaluate(LOOK, json.loads(figure_json(figure)))
        return Drawn(
            [Text(**text) for text in found["texts"]],
            *(found[name] for name in ("strokes", "panels", "curves", "width", "height")),
        )

    def faults(self, figure: Any, *, smallest: float = 7.0, largest: float = 9.0) -> list[str]:
        """Draw a figure and return all that it would be sent back for."""
        return faults(self.look(figure), smallest=smallest, largest=largest)


def faults(drawn: Drawn, *, smallest: float = 7.0, largest: float = 9.0) -> list[str]:
    """Return all that a referee would send the figure back for."""
    found = [f"{a!r} lies on {b!r}" for a, b in drawn.overlaps()]
    found += [f"{text!r} runs out of the picture" for text in drawn.cut()]
    found += [f"a curve runs through {text!r}" for text in drawn.on_curves()]
    sizes = drawn.points()
    if sizes and sizes[0] < smallest - 0.01:
        small = [t.text for t in drawn.texts if t.size * t.grown / POINT < smallest - 0.01]
        found.append(f"text of {sizes[0]:.2f} pt: {small[:5]}")
    if sizes and sizes[-1] > largest + 0.01:
        found.append(f"text of {sizes[-1]:.2f} pt")
    if drawn.thinnest() < 0.5 - 0.01:
        found.append(f"a line of {drawn.thinnest():.2f} pt")
    for panel in drawn.panels:
        if min(panel["width"], panel["height"]) < 45:
            found.append(f"panel {panel['name']}: {panel['width']:.0f} by {panel['height']:.0f} px")
    return found
