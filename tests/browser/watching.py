"""What the browser tests of the watch page share: an entry of their own, and how it is asked about."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.browser.conftest import Served, log_in
from tests.browser.test_story_watch import PLAY_WAIT_MS, VIDEO, wait_until

PLAYER = "document.querySelector('vl-player').player"
LENGTH_S = 20
# (step, its phase, from, to)
STEPS = (("step.tace.01", "ph.access", 0, 4), ("step.tace.02", "ph.baseline_img", 4, 12))
MARK_S = (6, 9)
CAPTIONS = {
    "zh-Hans": "WEBVTT\n\n00:01.000 --> 00:05.000\n现在穿刺股动脉\n\n00:05.000 --> 00:09.000\n导管进入肝动脉\n",
    "en": "WEBVTT\n\n00:01.000 --> 00:05.000\nPuncture of the femoral artery\n\n"
    "00:05.000 --> 00:09.000\nThe catheter enters the hepatic artery\n",
}


def request(served: Served, method: str, path: str, body: Any = None) -> Any:
    """As an editor's program."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(served.url + path, data=data, method=method, headers=headers)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own loopback address
        return json.load(answer)


def add_described_entry(served: Served, *, publish: bool = True, **fields: Any) -> str:
    """A further entry of the served recording, with phases, steps, a mark on the picture and captions; gives its id."""
    recording_id = request(served, "GET", f"/api/v1/entries/{served.entry_id}")["recording_id"]
    given: dict[str, Any] = {
        "title": {"zh": "肝细胞癌TACE：观看测试", "en": "TACE of a hepatocellular carcinoma to watch"},
        "summary": {"zh": "造影与栓塞。", "en": "Angiogram and embolisation."},
        "procedures": ["proc.tace"],
        "anatomy": ["anat.liver"],
        "pathologies": ["path.hcc"],
        "devices": ["dev.microcatheter"],
        "difficulty": "dif.core",
        "content_type": "ct.simulation",
        "recording_id": recording_id,
        **fields,
    }
    entry_id = str(request(served, "POST", "/api/v1/entries", given)["id"])
    spans = [_span(term, start, end) for step, phase, start, end in STEPS for term in (phase, step)]
    request(served, "POST", f"/api/v1/entries/{entry_id}/annotations", {"type": "AnnotationPage", "items": spans})
    mark = {
        "type": "Annotation",
        "kind": "mark",
        "body": {"type": "TextualBody", "value": "肿瘤染色", "language": "zh"},
        "target": f"urn:x#t={MARK_S[0]},{MARK_S[1]}&xywh=percent:40,30,20,25",
    }
    request(served, "POST", f"/api/v1/entries/{entry_id}/annotations", mark)
    for language, vtt in CAPTIONS.items():
        request(served, "POST", f"/api/v1/entries/{entry_id}/captions", {"language": language, "vtt": vtt})
    if publish:
        request(served, "POST", f"/api/v1/entries/{entry_id}/publish")
    return entry_id


def open_entry(page: Any, served: Served, entry_id: str, *, role: str | None = "trainee", query: str = "") -> None:
    """Log in as that role, unless the page is logged in, and wait until there is a picture and all else is there."""
    if role is not None:
        log_in(page, served, role)
    page.goto(f"{served.url}/entries/{entry_id}{query}")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    wait_until(page, "document.querySelector('main :not(:defined)') === null")
    wait_until(page, f"{VIDEO}.readyState >= 2 && !{VIDEO}.seeking")


def play_until(page: Any, seconds: float) -> float:
    """Play to that time and stop there, by a clock of the page's own: how busy the machine is plays no part.

    Gives the place at which it stands.
    """
    page.evaluate(
        """seconds => {
          const { player } = document.querySelector('vl-player');
          const look = () => {
            if (player.currentTime >= seconds) player.pause();
            else requestAnimationFrame(look);
          };
          player.play().then(look);
        }""",
        seconds,
    )
    wait_until(page, f"{PLAYER}.paused && {PLAYER}.currentTime >= {seconds}")
    place: float = page.evaluate(f"{PLAYER}.currentTime")
    return place


def stands_at(seconds: float, within: float = 0.011) -> str:
    """The condition under which picture and player stand at that time."""
    return (
        f"Math.abs({VIDEO}.currentTime - {seconds}) < {within} && Math.abs({PLAYER}.currentTime - {seconds}) < {within}"
        f" && !{VIDEO}.seeking"
    )


def _span(term: str, start_s: float, end_s: float) -> dict[str, Any]:
    body = {"type": "SpecificResource", "source": f"urn:videolib:term:{term}"}
    return {"type": "Annotation", "body": body, "target": f"urn:x#t={start_s},{end_s}"}
