"""The players that people use, from npm: each resumes and saves with the package."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

import pytest

from resume_service.demo.media import DUSK, SEA
from tests.support.eventually import eventually
from tests.support.player.files import NPM, PACKAGE, PAGE_FILES
from tests.support.player.tab import Tab
from tests.support.tokens import token


@pytest.fixture(scope="module")
def streams(tmp_path_factory):
    """A folder with HLS and DASH of the same segments, in codecs that every Chromium has."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs the package ffmpeg")
    folder = tmp_path_factory.mktemp("streams")
    command = (
        "ffmpeg -hide_banner -loglevel error -i clip.webm -c copy -strict experimental -f dash"
    )
    options = "-seg_duration 10 -hls_playlist 1 -dash_segment_type mp4 dusk.mpd"
    shutil.copy(DUSK.path, folder / "clip.webm")
    subprocess.run([*command.split(), *options.split()], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the React page, bundled as a platform does it."""
    if not (NPM / "react-dom").exists():
        pytest.skip("needs tests/player/browsers/node_modules: run `make test-player`")
    folder = tmp_path_factory.mktemp("built")
    command = f"{NPM}/.bin/esbuild film.jsx --bundle --format=esm --jsx=automatic"
    # The package has a React of its own for its types: there must be only one.
    aliases = f"--alias:react={NPM}/react --alias:resume-points={PACKAGE}"
    subprocess.run(
        [*command.split(), *aliases.split(), f"--outdir={folder}", "--log-level=warning"],
        cwd=PAGE_FILES,
        env=os.environ | {"NODE_PATH": str(NPM)},
        check=True,
    )
    return folder


@pytest.fixture
def players(front, streams, built):
    """The front serves the streams and the React page, too."""
    front.folders = front.folders | {"streams": streams, "built": built}


@pytest.mark.parametrize("name", ["hls", "shaka", "vidstack", "videojs", "react"])
@pytest.mark.usefixtures("players")
def test_a_player_from_npm_resumes_and_saves(new_tab, front, ann, name):
    tab = _tab(new_tab)
    tab.page.evaluate("([name, token]) => player.start(name, token, 'v1')", [name, token("ann")])
    tab.reaches(3.5)
    eventually(lambda: ann.position() is not None)
    first = ann.position()
    assert 1 <= first <= 8
    tab.page.goto("about:blank")
    eventually(lambda: ann.position() > first)  # the last save of that page has arrived
    ann.save(85, duration=DUSK.seconds)
    front.requests.clear()
    front.files.clear()

    tab = _tab(new_tab)
    tab.page.evaluate("([name, token]) => player.start(name, token, 'v1')", [name, token("ann")])
    tab.reaches(88)
    eventually(lambda: front.saves)

    assert all(85 <= save["currentTime"] < 100 for save in front.sent)
    assert front.sent[0]["duration"] == pytest.approx(DUSK.seconds, abs=0.5)
    tab.do("media.pause()")
    eventually(lambda: ann.position() == pytest.approx(tab.time, abs=0.05))
    media = [each for each in front.files if each.startswith(("/streams/", "/media/"))]
    if name in {"hls", "shaka"}:
        segments = [each for each in media if "stream0-0" in each]
        assert "00001" not in segments[0], "the first segment was fetched for nothing"


@pytest.mark.usefixtures("players")
def test_video_js_saves_its_position_when_it_is_disposed(new_tab, ann):
    tab = _tab(new_tab)
    tab.page.evaluate("token => player.start('videojs', token, 'v1')", token("ann"))
    tab.reaches(2.5)
    left_at = tab.do("const at = media.currentTime; media.dispose(); return at;")
    eventually(lambda: ann.position() == pytest.approx(left_at, abs=0.05))
    tab.page.evaluate("dispatchEvent(new Event('pagehide'))")

    assert not tab.errors


@pytest.mark.usefixtures("players")
def test_react_saves_a_film_that_changes_and_a_film_that_is_removed(new_tab, front, ann):
    tab = _tab(new_tab)
    tab.page.evaluate("token => player.start('react', token, 'v1')", token("ann"))
    tab.reaches(1.5)
    tab.page.evaluate("player.stage.show('v2', '/media/sea.webm')")
    eventually(lambda: ann.position("v1") is not None)
    assert 1 <= ann.position("v1") < 5
    tab.do("media.play()")
    tab.reaches(1.5)
    tab.page.evaluate("player.stage.show(null)")
    eventually(lambda: ann.position("v2") is not None)

    assert 1 <= ann.position("v2") < 5
    assert front.sent[-1]["duration"] == pytest.approx(SEA.seconds, abs=0.5)


def _tab(new_tab: Callable[..., Tab]) -> Tab:
    tab = new_tab(path="/player/players.html")
    # Vidstack's files for browsers load an element for icons from this host.
    tab.page.route(
        "https://cdn.jsdelivr.net/**",
        lambda route: route.fulfill(
            content_type="text/javascript", headers={"Access-Control-Allow-Origin": "*"}, body=""
        ),
    )
    return tab
