"""Publishing: figure, data and caption side by side, all drawn before anything is written."""

import shutil

import pytest

from grokscope import figures
from grokscope.errors import RequestError
from grokscope.figures import export
from grokscope.figures.export import BrowserMissing

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def test_data_and_caption_stand_beside_the_figure(ds, events, tmp_path):
    """Else a figure comes without what it was drawn from."""
    fig = figures.gini(ds, events)
    assert figures.publish([(fig, tmp_path / "fig.1.html")]) == [tmp_path / "fig.1.html"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fig.1.csv", "fig.1.html", "fig.1.txt"]
    assert (tmp_path / "fig.1.csv").read_text() == figures.csv_text(fig)
    assert (tmp_path / "fig.1.txt").read_text() == fig.layout.meta["caption"] + "\n"


def test_companions_keep_a_dotted_name():
    """Else fig.1 and fig.2, given with a format, have one data file."""
    assert [p.name for p in figures.companions("fig.1")] == ["fig.1.csv", "fig.1.txt"]
    assert [p.name for p in figures.companions("a/fig.PDF")] == ["fig.csv", "fig.txt"]


def test_two_figures_of_one_name_are_refused(ds, events, tmp_path):
    """Else the second one's data overwrite the first one's without a word."""
    work = [
        (figures.gini(ds, events), tmp_path / "a.html"),
        (figures.norms(ds, events), tmp_path / "a.pdf"),
    ]
    with pytest.raises(RequestError, match="two figures whose data are"):
        figures.publish(work)
    assert not list(tmp_path.iterdir())


def test_one_figure_in_two_formats_has_one_data_file(ds, events, tmp_path, monkeypatch):
    """Else a figure cannot be published as html and pdf at once."""
    monkeypatch.setattr(export, "_pictures", lambda work: [b"%PDF" for _ in work])
    fig = figures.gini(ds, events)
    figures.publish([(fig, tmp_path / "a.html"), (fig, tmp_path / "a.pdf")])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.html", "a.pdf", "a.txt"]


def test_nothing_is_written_where_drawing_fails(ds, events, tmp_path, monkeypatch):
    """Else a folder holds half of a paper's figures and looks whole."""

    def broken(work):
        raise BrowserMissing("none", todo="x")

    monkeypatch.setattr(export, "_pictures", broken)
    work = [
        (figures.gini(ds, events), tmp_path / "a.html"),
        (figures.norms(ds, events), tmp_path / "b.pdf"),
    ]
    with pytest.raises(BrowserMissing):
        figures.publish(work)
    assert not list(tmp_path.iterdir())


def test_theme_and_width_reach_the_pictures(ds, events, tmp_path, monkeypatch):
    """Else --theme screen gives the paper's letters."""
    seen = []
    monkeypatch.setattr(export, "_pictures", lambda work: [seen.append(f) or b"x" for f, _ in work])
    for theme in ("paper", "screen"):
        figures.publish(
            [(figures.gini(ds, events), tmp_path / "a.pdf")], width="single", theme=theme
        )
    fonts = [fig.layout.template.layout.font.size for fig in seen]
    assert fonts[1] > 1.3 * fonts[0]
    assert [fig.layout.width for fig in seen] == [312, 312]
    with pytest.raises(RequestError, match="did you mean 'paper'"):
        figures.save(figures.gini(ds), tmp_path / "a.pdf", theme="papre")


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs a Chromium")
def test_a_pdf_has_text_as_text_in_embedded_fonts(ds, events, tmp_path):
    """Else a journal's check refuses the file, or words cannot be searched; axes would be pixels."""
    pytest.importorskip("kaleido")
    path = tmp_path / "gini.pdf"
    figures.publish([(figures.gini(ds, events), path)], width="single")
    raw = path.read_bytes()
    assert raw.startswith(b"%PDF")
    assert raw.count(b"/FontFile2") + raw.count(b"/FontFile3") == raw.count(
        b"/Type /FontDescriptor"
    )
    assert b"/FontFile2" in raw
    assert b"/Subtype /Image" not in raw
    assert b"/MediaBox [0 0 234 " in raw  # 3.25 inches of 72 points
