"""Files: html by itself, pictures through a browser, whole or not at all."""

import json
import re
import shutil
import sys

import pytest

from grokscope import figures
from grokscope.errors import RequestError
from grokscope.figures.export import script_json

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def test_html_loads_nothing_and_holds_inert_text(ds, events, tmp_path):
    hostile = ds.assign_coords(
        component=["</script><script>alert(1)</script>", *ds["component"].values[1:]]
    )
    path = figures.save(figures.ablations(hostile, events), tmp_path / "a.html")
    text = path.read_text()
    assert "<script>alert" not in text
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", text)
    assert text.count("</script>") == 3  # plotly, the data, what draws them


def test_script_json_is_the_same_json():
    value = {"name": "</script><!-- & \u2028"}
    text = script_json(json.dumps(value, ensure_ascii=False))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("a.jpg", {}, "format 'jpg'; accepted: html, pdf, svg, png"),
        ("a", {}, "without a format"),
        ("a.html", {"width": "singel"}, "did you mean 'single'"),
        ("a.html", {"format": "pfd"}, "did you mean 'pdf'"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(ds, tmp_path, name, options, told):
    with pytest.raises(RequestError, match=re.escape(told)) as caught:
        figures.save(figures.gini(ds), tmp_path / name, **options)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_said(ds, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="cannot write"):
        figures.save(figures.gini(ds), tmp_path / "file" / "a.html")


def test_a_missing_kaleido_is_said(ds, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(RequestError, match=r"grokscope\[figures\].*chromium.*html"):
        figures.save(figures.gini(ds), tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())


def test_a_missing_browser_is_said(ds, tmp_path, monkeypatch):
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-such-browser"))
    with pytest.raises(RequestError, match="Chromium.*Debian's package chromium"):
        figures.save(figures.gini(ds), tmp_path / "a.svg")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["BrowserFailedError", "BrowserClosedError", "TimeoutError"])
def test_a_browser_that_does_not_answer_is_said(ds, tmp_path, monkeypatch, name):
    kaleido = pytest.importorskip("kaleido")
    import choreographer.errors

    def broken(**options):
        raise getattr(choreographer.errors, name, TimeoutError)

    monkeypatch.setattr(kaleido, "Kaleido", broken)
    with pytest.raises(RequestError, match=f"does not answer.*{name}"):
        figures.save(figures.gini(ds), tmp_path / "a.svg")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs a Chromium")
def test_pictures_of_all_kinds_with_one_browser(ds, events, tmp_path):
    pytest.importorskip("kaleido")
    drawn = figures.progress(ds, events)
    paths = [tmp_path / f"a.{kind}" for kind in ("pdf", "svg", "png", "html")]
    assert figures.write_images([(drawn, path) for path in paths], width="single") == paths
    starts = [path.read_bytes()[:8] for path in paths]
    assert starts[0].startswith(b"%PDF")
    assert starts[1].startswith(b"<svg")
    assert starts[2] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(paths[2].read_bytes()[16:20]) == 975  # 3.25 inches at 300 dots per inch
    assert sorted(tmp_path.iterdir()) == sorted(paths)
