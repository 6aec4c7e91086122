"""The pages of a server: over HTTP, and in a real browser."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import pytest
import requests
from preread.indexer import build_index
from preread.pipeline import OpenDomainQA
from preread.pipeline.server import ApiKeys, Service
from preread.pipeline.server.site import SITE_FILES
from preread.reader import Reader
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from urllib3.util import Retry

from tests.pdf import make_pdf

PAGES = Path(__file__).parents[3] / "pipeline" / "server" / "pages"
PIANO = "How many keys does a modern piano have?"
KEY = "a-key-for-the-tests-0123"
WAIT_SECONDS = 20


class Served(Protocol):
    """What the fixture ``serving`` gives."""

    url: str
    service: Service


Serving = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(scope="module")
def server(serving: Serving, sample_index: Path, odd_index: Path) -> Iterator[Served]:
    """A server of two indexes."""
    with serving({"sample": sample_index, "odd": odd_index}) as started:
        yield started


# Over HTTP ----------------------------------------------------------------------------------------


def test_every_file_of_the_pages_is_served_and_kept_by_browsers(server: Served) -> None:
    assert sorted(SITE_FILES.values()) == sorted(path.name for path in PAGES.iterdir())
    for address, name in SITE_FILES.items():
        reply = requests.get(server.url + address, timeout=9)
        assert reply.status_code == 200 and reply.content == (PAGES / name).read_bytes()
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        assert "unsafe" not in reply.headers["Content-Security-Policy"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        etag = reply.headers["ETag"]
        for known in (etag, f'"other", W/{etag}', "*"):
            again = requests.get(server.url + address, headers={"If-None-Match": known}, timeout=9)
            assert again.status_code == 304 and again.headers["ETag"] == etag and not again.content
        other = requests.get(server.url + address, headers={"If-None-Match": '"other"'}, timeout=9)
        assert other.status_code == 200
        head = requests.head(server.url + address, timeout=9)
        assert head.status_code == 200 and head.headers["ETag"] == etag and not head.content


def test_pages_take_nothing_from_elsewhere() -> None:
    for path in PAGES.iterdir():
        found = re.findall(r"https?://[^\s\"']+", path.read_text("utf-8"))
        assert set(found) <= {"http://www.w3.org/2000/svg"}, path.name


def test_what_is_served_is_listed_with_the_limits(server: Served) -> None:
    reply = requests.get(f"{server.url}/v1", timeout=9).json()
    limits = server.service.config.limits
    assert reply["indexes"] == [
        {"name": "sample", "n_passages": 181, "retriever": "hybrid"},
        {"name": "odd", "n_passages": 4, "retriever": "bm25"},
    ]
    assert reply["limits"]["top_k"] == limits.max_top_k
    assert reply["limits"]["question_chars"] == limits.max_question_chars


def test_an_answers_stages_are_its_time(server: Served) -> None:
    asked: dict[str, Any] = {"question": PIANO, "top_k": 5}
    reply = requests.post(f"{server.url}/v1/sample/answer", json=asked, timeout=60).json()
    stages = ["wait", "retrieve", "fetch", "decode", "read", "answers"]
    assert list(reply["stage_ms"]) == stages
    assert sum(reply["stage_ms"].values()) == pytest.approx(reply["took_ms"], abs=0.1)
    assert all(ms >= 0 for ms in reply["stage_ms"].values())


@pytest.mark.slow
def test_the_demo_opens_the_page(sample_index: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = Path(shutil.copytree(sample_index, tmp_path / "demo"))
    command = [sys.executable, "-m", "preread.pipeline", "demo", "--serve"]
    command += ["--path", str(path), "--port", str(port)]
    url = f"http://127.0.0.1:{port}/"
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = ""
            while "Ctrl-C" not in said:
                assert process.stderr is not None and (said := process.stderr.readline())
            assert url in said
            adapter = requests.adapters.HTTPAdapter(
                max_retries=Retry(120, backoff_factor=0.1, backoff_max=0.5)
            )
            with requests.Session() as session:
                session.mount(url, adapter)
                assert session.get(url, timeout=60).content == (PAGES / "index.html").read_bytes()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()


# In a browser -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Debian's Chromium, without a window."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("chromium and chromium-driver are not here (`make chromium` installs them)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "no-first-run",
        "disable-dev-shm-usage",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(f"--{argument}")
    driving = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield driving
    driving.quit()


class Page:
    """The page in a browser, as people use it."""

    def __init__(self, browser: webdriver.Chrome, server: Served) -> None:
        """Open it as for the first time."""
        self.browser = browser
        self.url = server.url
        browser.get(f"{server.url}/docs")
        self.run("localStorage.clear(); sessionStorage.clear()")
        self.open()

    def open(self, address: str = "/") -> None:
        self.browser.get(self.url + address)

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def run(self, script: str, *arguments: object) -> Any:
        return self.browser.execute_script(script, *arguments)

    def command(self, name: str, **parameters: object) -> Any:
        return self.browser.execute_cdp_cmd(name, parameters)

    def text(self, selector: str) -> str:
        return str(self.one(selector).get_property("textContent"))

    def wait(self, is_so: Callable[[], object]) -> None:
        # An element looked up may be gone before it is asked: the page draws answers anew.
        waiting = WebDriverWait(
            self.browser,
            WAIT_SECONDS,
            poll_frequency=0.05,
            ignored_exceptions=[StaleElementReferenceException],
        )
        waiting.until(lambda _: is_so())

    def ask(self, question: str, *, index: str = "sample", expects: str = "#answers h3") -> None:
        """Type, press Enter, and wait for an answer, or for something else."""
        self.wait(lambda: self.all("#index option"))
        self.run("document.getElementById('index').value = arguments[0]", index)
        self.one("#question").clear()
        self.one("#question").send_keys(question + Keys.ENTER)
        self.wait(lambda: self.run("return document.body.ariaBusy || 'no'") == "no")
        self.wait(lambda: [one for one in self.all(expects) if one.is_displayed()])

    @property
    def focused(self) -> str:
        return str(self.run("return document.activeElement.id"))

    @contextmanager
    def media(self, scheme: str) -> Iterator[None]:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", features=features)
        try:
            yield
        finally:
            self.command("Emulation.setEmulatedMedia", features=[])

    @contextmanager
    def phone(self) -> Iterator[None]:
        shape = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
        self.command("Emulation.setDeviceMetricsOverride", **shape)
        try:
            yield
        finally:
            self.command("Emulation.clearDeviceMetricsOverride")


@pytest.fixture
def page(chromium: webdriver.Chrome, server: Served) -> Iterator[Page]:
    """The page of the server with two indexes; nothing may go wrong on it unsaid."""
    chromium.get_log("browser")
    opened = Page(chromium, server)
    yield opened
    problems = [entry["message"] for entry in chromium.get_log("browser")]
    assert [one for one in problems if "ERR_INTERNET_DISCONNECTED" not in one] == []


def test_an_answer_is_shown_and_marked_in_its_passage(page: Page, qa: OpenDomainQA) -> None:
    page.ask(PIANO)
    best = qa(PIANO)[0]
    assert page.text("#answer-1") == page.text("#answers mark") == best.answer == "88"
    assert page.text("#answers blockquote") == best.passage
    assert f"score {best.score:.2f}" in page.text("#answers .measures")
    assert "piano-1" in page.text("#answers figcaption")
    assert page.text("#status").endswith("The best: 88")
    stages = [one.text for one in page.all("#stages dt")]
    assert stages[0] == "waiting for the reader" and "reading" in stages
    assert len(page.all("#bar .part")) == len(stages)
    assert page.browser.title.startswith(PIANO)
    fetched = page.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert len(fetched) >= 4 and all(name.startswith(page.url) for name in fetched)


def test_example_questions_are_offered_and_asked(page: Page) -> None:
    page.wait(lambda: page.all("#example-list button"))
    offered = [one.text for one in page.all("#example-list button")]
    told = requests.get(f"{page.url}/v1/sample/examples", timeout=60).json()
    assert offered == told["questions"] and len(set(offered)) == 6
    page.all("#example-list button")[0].click()
    page.wait(lambda: page.all("#answers article") or page.all("#notice .notice"))
    assert page.one("#question").get_property("value") == offered[0]
    assert not page.one("#examples").is_displayed()


def test_markup_in_passages_is_text(page: Page) -> None:
    page.ask("How many stripes does the zebra of Quimper have?", index="odd")
    assert page.text("#answer-1") == "4711"
    assert "<script>window.hacked = 1</script><img src=x" in page.text("#answers blockquote")
    assert page.text("#answers cite") == "<b>Zebra</b>"
    assert page.all("#answers script, #answers img, #answers b, #answers i") == []
    assert page.run("return window.hacked === undefined")


def test_offsets_are_code_points_however_many_units_they_take(page: Page, odd_index: Path) -> None:
    question = "How many keys does the toy spinet of Lorient have?"
    page.ask(question, index="odd")
    with OpenDomainQA.from_index(odd_index).index as index:
        passage = index.passage(index.find("emoji-1")[0]).text
    parts = page.run(
        """return [...document.querySelectorAll("#answers blockquote")].map((quote) =>
          [...quote.childNodes].map((one) => one.textContent))"""
    )
    marks = []
    for left_out, before, mark, after, cut in parts:
        if f"{before}{mark}{after}" == passage:
            assert left_out == cut == ""
            marks.append(mark)
    answers = requests.post(
        f"{page.url}/v1/odd/answer", json={"question": question}, timeout=60
    ).json()["answers"]
    wanted = [a["answer"] for a in answers if a["passage_id"] == "emoji-1"]
    assert marks == wanted and any("25" in mark for mark in marks)


def test_passages_with_the_same_answer_support_it(page: Page) -> None:
    page.ask("How many keys does the spinet of Lorient have?", index="odd")
    heads = [one.text.lower() for one in page.all("#answers h3")]
    assert len(set(heads)) == len(heads)
    details = page.one("#answers details")
    assert details.text == "Also in 1 more passage"
    details.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
    page.wait(lambda: page.all("#answers details figure"))
    ids = [one.text for one in page.all("#answers li:first-child .id")]
    assert sorted(ids) == ["emoji-1", "emoji-2"]


def test_of_a_long_passage_a_part_is_shown_until_all_is_wanted(page: Page, odd_index: Path) -> None:
    page.ask("Who built the gnomon of Vannes?", index="odd")
    assert page.text("#answer-1") == "Tresk"
    shown = page.text("#answers blockquote")
    assert shown.startswith("… word word") and shown.endswith("more …") and len(shown) < 1400
    button = page.one("#answers figcaption button")
    button.send_keys(Keys.ENTER)
    assert button.get_attribute("aria-expanded") == "true"
    assert len(page.text("#answers blockquote")) > 3900 and page.text("#answers mark") == "Tresk"
    button.send_keys(Keys.ENTER)
    assert page.text("#answers blockquote") == shown


def test_confidence_and_supporting_passages_are_shown_where_the_reply_has_them(page: Page) -> None:
    other = {"passage_id": "danube-1", "title": "Danube", "start": 4, "end": 10, "score": 0.1}
    metadata = {"document": "report.pdf", "page": 3}
    more = {"confidence": 0.816, "supporting": [other], "metadata": metadata}
    page.run(
        """const [more, original] = [arguments[0], window.fetch];
        window.fetch = async (...asked) => {
          const reply = await (await original(...asked)).json();
          Object.assign(reply.answers?.[0] ?? {}, more);
          return new Response(JSON.stringify(reply));
        };""",
        more,
    )
    page.ask(PIANO)
    assert "confidence 82 % · score" in page.text("#answers .measures")
    assert "piano-1 · page 3" in page.text("#answers figcaption")
    page.one("#answers summary").click()
    page.wait(lambda: page.all("#answers details figure"))
    assert page.text("#answers details blockquote").startswith("The Danube is the second-longest")
    assert page.text("#answers details mark") == "Danube"


PAGES_OF_A_REPORT = (
    "Introduction: This report tells how the port of Aa works.",
    "Cranes: Forty cranes stand on the northern quay.",
    "Pilots: Ships longer than ninety metres must take a pilot.",
    "Tides: The difference between high and low water is six metres.",
    "Fees: A berth costs 310 euros for each night.",
    "Fire: The fire brigade of the port has fourteen engines.",
    "Customs: Goods are inspected by Ludmila Horvath.",
    "Railway: The railway reached the port in 1887.",
    "Birds: Terns breed on the breakwater from May to July.",
    "Contacts: The harbour master is called by radio on channel twelve.",
)


def test_answers_from_a_pdf_name_their_page(
    chromium: webdriver.Chrome, serving: Serving, default_reader: Reader, tmp_path: Path
) -> None:
    pytest.importorskip("pypdf")
    pages = [tuple(text.split(": ")) for text in PAGES_OF_A_REPORT]
    report = make_pdf([[(16, 60, head), (11, 100, body)] for head, body in pages])
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "port.pdf").write_bytes(report)
    build_index(tmp_path / "reports", tmp_path / "index", default_reader)
    with serving({"reports": tmp_path / "index"}) as served:
        page = Page(chromium, served)
        for question, answer, number in (
            ("How much does a berth cost for each night?", "310 euros", 5),
            ("When did the railway reach the port?", "1887", 8),
        ):
            page.ask(question, index="reports")
            assert page.text("#answer-1") == answer
            assert f"port.pdf#{number} · page {number}" in page.text("#answers figcaption")


def test_all_can_be_done_by_keyboard(page: Page) -> None:
    def press(*keys: str) -> None:
        webdriver.ActionChains(page.browser).send_keys(*keys).perform()

    page.wait(lambda: page.text("#size"))
    page.run("document.activeElement.blur()")
    press(Keys.TAB)
    assert page.focused == "skip" and page.one("#skip").rect["y"] >= 0
    press(Keys.ENTER)
    assert page.focused == "question"
    press(PIANO, Keys.ENTER)
    page.wait(lambda: page.all("#answers h3"))
    assert page.focused == "question"
    order = []
    for _ in range(6):
        press(Keys.TAB)
        order.append(page.focused)
    assert order[:3] == ["submit", "index", "top-k"]
    page.one("#skip").send_keys(Keys.ENTER)
    assert page.focused == "results"


def test_a_question_that_cannot_be_asked_is_said_to_be_so(page: Page) -> None:
    page.ask(" ", expects="#mistake")
    assert page.text("#mistake") == "Type a question first."
    assert page.one("#question").get_attribute("aria-invalid") == "true"
    page.run("document.getElementById('top-k').value = 101")
    page.ask("piano", expects="#mistake")
    assert page.text("#mistake") == "Passages to read: enter a whole number from 1 to 100."
    assert page.focused == "top-k"
    page.run("document.getElementById('top-k').value = 2")
    page.ask(PIANO)
    assert page.text("#mistake") == "" and page.all("[aria-invalid]") == []


def test_no_answer_is_said_to_be_none(page: Page) -> None:
    page.ask("zzyzx qwxyz", index="odd", expects="#notice .notice")  # it has no vectors
    assert page.text("#notice").startswith("No answer found") and "other words" in page.text(
        "#notice"
    )
    assert page.text("#status") == "" and not page.one("#results").is_displayed()


def with_confidence(page: Page, confidence: float) -> None:
    """Have the page's server hold answers back like one of another confidence."""
    page.run(
        """const [confidence, original] = [arguments[0], window.fetch];
        window.fetch = async (address, options = {}) => {
          const asked = JSON.parse(options.body ?? "{}");
          const reply = await (await original(address, options)).json();
          if (reply.answers) {
            const { passage_id, title, passage } = reply.answers[0];
            const isHeld = asked.min_confidence !== 0;
            Object.assign(reply, { confidence });
            Object.assign(reply.answers[0], { confidence });
            if (isHeld) Object.assign(reply, { answers: [], doubt: "low_confidence",
              best_passage: { passage_id, title, passage } });
          }
          return new Response(JSON.stringify(reply));
        };""",
        confidence,
    )


def test_of_a_doubtful_answer_the_passage_is_shown_first(page: Page) -> None:
    with_confidence(page, 0.12)
    page.ask(PIANO, expects="#notice .notice")
    shown = page.text("#notice")
    assert shown.startswith("No answer found") and "probability of only 12 %" in shown
    assert page.text("#notice blockquote").startswith("The piano was")
    assert page.all("#notice mark") == [] and not page.one("#results").is_displayed()
    page.one("#notice button").click()
    page.wait(lambda: page.all("#answers h3"))
    assert page.text("#answer-1") == "88" and page.text("#notice") == ""
    small = page.run("return getComputedStyle(document.querySelector('#answers h3')).fontSize")
    assert small == "16px"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Is a piano older than an organ?", "This question asks for yes or no"),
        ("How do I play the piano?", "This question asks for an explanation"),
        ("What are the main parts of a piano?", "This question asks for a list"),
    ],
)
def test_of_a_question_that_no_words_answer_the_passage_is_shown(
    page: Page, question: str, said: str
) -> None:
    page.run(
        """const original = window.fetch;
        window.fetch = (address, options = {}) => original(address, options.body ? {...options,
          body: JSON.stringify({...JSON.parse(options.body), min_confidence: 0})} : options);"""
    )
    page.ask(question, expects="#notice .notice")
    assert page.text("#notice").startswith(said)
    assert page.text("#notice blockquote") and page.all("#notice mark") == []
    assert not page.one("#results").is_displayed()
    page.one("#notice button").click()
    assert page.one("#results").is_displayed()
    weight = page.run("return getComputedStyle(document.querySelector('#answers h3')).fontWeight")
    assert weight == "400"


def test_recent_questions_stay_in_the_browser_until_cleared(page: Page) -> None:
    page.ask(PIANO)
    page.ask("Who built the gnomon of Vannes?", index="odd")
    page.open()
    page.wait(lambda: page.all("#recent button"))
    shown = [one.text for one in page.all("#recent button")]
    assert shown == ["Who built the gnomon of Vannes? in odd", f"{PIANO} in sample"]
    page.all("#recent button")[1].click()
    page.wait(lambda: page.all("#answers h3"))
    assert page.text("#answer-1") == "88"
    page.one("#clear").click()
    assert not page.one("#past").is_displayed()
    assert page.run("return localStorage.length") == 0


def test_the_address_says_what_was_asked_and_goes_back(page: Page) -> None:
    page.ask(PIANO)
    page.ask("Who built the gnomon of Vannes?", index="odd")
    page.browser.back()
    page.wait(lambda: page.all("#answers h3") and page.text("#answer-1") == "88")
    assert page.one("#question").get_property("value") == PIANO
    page.browser.refresh()
    page.wait(lambda: page.all("#answers h3"))
    assert page.text("#answer-1") == "88"
    page.open(f"/#q={quote(PIANO)}&index=sample&k=5&filter=page!%3D3&filter=line!%3D1")
    page.wait(lambda: page.one("#filter").get_property("value") == "page!=3, line!=1")
    page.wait(lambda: page.all("#answers h3") and page.text("#answer-1") == "88")


def test_a_busy_server_is_asked_again(page: Page, server: Served) -> None:
    page.wait(lambda: page.text("#size"))
    traffic, many = server.service.traffic, server.service.config.max_in_flight
    traffic.n_in_flight += many
    try:
        page.one("#question").send_keys(PIANO + Keys.ENTER)
        page.wait(lambda: page.text("#notice"))
        assert page.text("#notice") == "The server is busyTrying again in a second."
    finally:
        traffic.n_in_flight -= many
    page.wait(lambda: page.all("#answers h3"))
    assert page.text("#answer-1") == "88" and page.text("#notice") == ""
    log = [entry["message"] for entry in page.browser.get_log("browser")]
    assert log and all("503" in one for one in log)  # as it should


def test_a_lost_network_is_said_and_come_back_from(page: Page) -> None:
    page.ask(PIANO)
    page.command("Network.enable")
    lost = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.command("Network.emulateNetworkConditions", **lost)
    try:
        page.ask("Which river is the second longest in Europe?", expects="#notice .notice")
        assert "This device is offline" in page.text("#notice")
        assert page.one("#notice button").text == "Try again"
    finally:
        page.command("Network.emulateNetworkConditions", **{**lost, "offline": False})
    page.wait(lambda: page.all("#answers h3") and page.one("#results").is_displayed())
    assert page.text("#notice") == ""


def test_a_key_is_asked_for_and_kept_for_the_tab(
    chromium: webdriver.Chrome, serving: Serving, sample_index: Path
) -> None:
    with serving({"sample": sample_index}, keys=ApiKeys([KEY])) as server:
        page = Page(chromium, server)
        page.wait(lambda: page.focused == "key")
        page.one("#key").send_keys("wrong" + Keys.ENTER)
        page.wait(lambda: "not accepted" in page.text("#key-note"))
        page.one("#key").send_keys("schlüssel €" + Keys.ENTER)
        assert "cannot be sent" in page.text("#key-note")
        page.one("#key").clear()
        page.one("#key").send_keys(KEY + Keys.ENTER)
        page.wait(lambda: page.text("#size") == "sample, 181 passages, searched by hybrid")
        assert not page.one("#key-form").is_displayed() and page.focused == "question"
        page.ask(PIANO)
        assert page.text("#answer-1") == "88"
        assert page.run("return JSON.stringify(sessionStorage)").count(KEY) == 1
        assert KEY not in page.run("return JSON.stringify(localStorage) + location.href")
        page.one("#forget-key").click()
        page.wait(lambda: page.one("#key-form").is_displayed())
        assert page.run("return sessionStorage.length") == 0
        chromium.get_log("browser")  # of the 401s


LEAST_CONTRASTS = """
const number = (colour) => colour.match(/[\\d.]+/g).map(Number);
const light = (colour) => {
  const [r, g, b] = number(colour).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (node) => {
  for (let one = node; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (number(colour)[3] !== 0) return colour;
  }
  throw new Error("nothing behind");
};
const contrast = (one, other) => {
  const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const shown = [...document.body.querySelectorAll("*")].filter((node) => node.checkVisibility());
const texts = shown.filter((node) =>
  [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
const edges = shown.filter((node) => node.matches("input, select"));
const parts = shown.filter((node) => node.matches(".part, .swatch"));
return {
  text: Math.min(...texts.map((node) => contrast(getComputedStyle(node).color, behind(node)))),
  edge: Math.min(...edges.map((node) =>
    contrast(getComputedStyle(node).borderTopColor, behind(node.parentElement)))),
  part: Math.min(...parts.map((node) =>
    contrast(getComputedStyle(node).backgroundColor, behind(node.parentElement)))),
  count: texts.length,
};
"""
"""Source: WCAG 2.2, relative luminance and contrast ratio."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_enough(page: Page, scheme: str) -> None:
    with page.media(scheme):
        page.ask(PIANO)
        found = page.run(LEAST_CONTRASTS)
        assert found["count"] > 30
        assert found["text"] >= 4.5 and found["edge"] >= 3 and found["part"] >= 3, found
        paper = page.run("return getComputedStyle(document.documentElement).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", paper)[:3])) < 128) == (scheme == "dark")
        page.ask(" ", expects="#mistake")
        assert page.run(LEAST_CONTRASTS)["text"] >= 4.5
        page.open("/docs")
        page.wait(lambda: page.all("#shapes table"))
        assert page.run(LEAST_CONTRASTS.replace("edge: ", "edge: 0 && "))["text"] >= 4.5


def test_everything_has_a_role_and_a_name(page: Page) -> None:
    page.ask(PIANO)
    nodes = [n for n in page.command("Accessibility.getFullAXTree")["nodes"] if not n["ignored"]]

    def of(role: str) -> list[str]:
        return [n["name"]["value"] for n in nodes if n["role"]["value"] == role]

    controls = ("textbox", "spinbutton", "combobox", "button", "link")
    assert all(name for role in controls for name in of(role))
    assert "Question" in of("textbox") and "Passages to read" in of("spinbutton")
    assert "Index" in of("combobox") and "Ask" in of("button")
    for role in ("banner", "main", "search", "navigation", "status", "alert"):
        assert of(role), role
    assert {"Where the time went", "Recent questions", "Answers"} <= set(of("region"))
    assert of("article")[0] == "88" and of("mark")
    levels = [int(one.tag_name[1]) for one in page.all("h1, h2, h3") if one.is_displayed()]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= before + 1 for before, later in zip(levels, levels[1:], strict=False))
    assert page.one("html").get_attribute("lang") == "en"


def test_it_fits_a_phone(page: Page) -> None:
    with page.phone():
        page.ask("Who built the gnomon of Vannes?", index="odd")
        assert page.run("return innerWidth") == 360
        assert page.run("return document.documentElement.scrollWidth") == 360
        small = page.run(
            """return [...document.querySelectorAll("a, button, input, select, summary")]
            .filter((one) => one.checkVisibility() && one.id !== "skip")
            .filter((one) => one.getBoundingClientRect().height < 24)
            .map((one) => one.outerHTML)"""
        )
        assert small == []  # WCAG 2.2, target size
        page.open("/docs")
        page.wait(lambda: page.all("#shapes table"))
        assert page.run("return document.documentElement.scrollWidth") == 360


def test_the_interface_is_described_without_help_from_elsewhere(page: Page) -> None:
    page.open("/docs")
    page.wait(lambda: page.all("#shapes table"))
    document = requests.get(f"{page.url}/openapi.json", timeout=9).json()
    text = page.text("body")
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in text
    for name, schema in document["components"]["schemas"].items():
        assert page.all(f"#shapes h3[id='{name}']")
        assert all(field in text for field in schema.get("properties", {}))
    assert '"question":"How many keys' in text and json.dumps(20) in text
    commands = [str(one.text) for one in page.all("pre")]
    assert any(f"{page.url}/v1/sample/answer'" in one for one in commands)
    assert not any("{index}" in one for one in commands)
    fetched = page.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert all(name.startswith(page.url) for name in fetched)
    links = {one.get_attribute("href") for one in page.all("main a[href^='#']")}
    assert all(page.all(f"[id='{str(link).split('#')[1]}']") for link in links)
