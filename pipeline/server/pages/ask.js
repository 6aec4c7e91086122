/** The page for asking questions. */

import { element, read, Refusal, request, storedKey, storeKey, write } from "./common.js";

const RECENT = "preread.recent";
const MOST_RECENT = 12;
const MOST_TRIES = 4;
const SHOW_PROGRESS_MS = 250;
/** Characters that are shown on either side of the best answer, and of the others. */
const AROUND_BEST = 600;
const AROUND_OTHERS = 140;
/** Answers that are less likely to be right are shown in small type. */
const DOUBTFUL_BELOW = 0.4;
const DOUBTS = {
  low_confidence: "No answer found",
  list: "This question asks for a list",
  yes_no: "This question asks for yes or no",
  how_to: "This question asks for an explanation",
};
const STAGES = {
  wait: "waiting for the reader",
  retrieve: "finding passages",
  question: "reading the question",
  fetch: "fetching their states",
  decode: "decoding the states",
  read: "reading",
  answers: "choosing answers",
  network: "network and browser",
};

const at = (id) => document.getElementById(id);
let limits = { question_chars: 1000, top_k: 100 };
let served = [];
/** Stops the request that is under way. */
let current = new AbortController();

// Asking --------------------------------------------------------------------------------------

/** The question of the form, or null after showing why it cannot be asked. */
function asked() {
  const question = at("question").value.trim();
  const topK = Number(at("top-k").value);
  const length = [...question].length;
  if (!question) return mistake("question", "Type a question first.");
  if (length > limits.question_chars) {
    const most = limits.question_chars.toLocaleString("en");
    return mistake("question", `A question has at most ${most} characters. This has ${length}.`);
  }
  if (!Number.isInteger(topK) || topK < 1 || topK > limits.top_k) {
    return mistake("top-k", `Passages to read: enter a whole number from 1 to ${limits.top_k}.`);
  }
  return { question, topK, index: at("index").value, filter: conditions(at("filter").value) };
}

/** The conditions of a filter, as they are written on a command line. */
function conditions(text) {
  return text.split(/,\s+/).map((one) => one.trim()).filter(Boolean);
}

function mistake(field, message) {
  for (const id of ["question", "top-k"]) at(id).toggleAttribute("aria-invalid", false);
  at("mistake").textContent = message;
  if (field) {
    at(field).setAttribute("aria-invalid", "true");
    at(field).focus();
  }
  return null;
}

/** Ask, and show the reply. */
async function ask(what, { isNew = true } = {}) {
  begin();
  const signal = current.signal;
  mistake(null, "");
  if (isNew) remember(what);
  document.title = `${what.question} – preread`;
  for (let tries = 1; ; tries++) {
    try {
      await askOnce(what, signal);
      return end(signal);
    } catch (error) {
      if (signal.aborted) return;
      const isBusy = error instanceof Refusal && error.status === 503;
      if (!isBusy || tries === MOST_TRIES) {
        end(signal);
        return refuse(error, () => ask(what, { isNew: false }));
      }
      say();
      notice("The server is busy", [`Trying again in ${seconds(error.retryAfterS || 1)}.`]);
      if (!(await pause(1000 * (error.retryAfterS || 1), signal))) return;
      notice();
    }
  }
}

async function askOnce({ question, topK, index, filter, minConfidence }, signal) {
  say(topK === 1 ? "Reading 1 passage …" : `Reading up to ${topK} passages …`);
  const started = performance.now();
  const body = { question, top_k: topK, min_confidence: minConfidence };
  if (filter.length) body.filter = filter;
  const reply = await request(`v1/${encodeURIComponent(index)}/answer`, { body, signal });
  const tookMs = performance.now() - started;
  showAnswers(reply, () =>
    ask({ question, topK, index, filter, minConfidence: 0 }, { isNew: false }),
  );
  showTime(reply, tookMs);
  const n = at("answers").children.length;
  if (!n || reply.doubt) return say(); // there is a notice
  const count = n === 1 ? "One answer" : `${n} answers`;
  const best = element("span", { className: "unseen" }, ` The best: ${reply.answers[0].answer}`);
  say(`${count} in ${milliseconds(tookMs)}.`, best);
}

function begin() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  notice();
  at("results").hidden = at("time").hidden = at("examples").hidden = true;
  at("stop").hidden = false;
  document.body.setAttribute("aria-busy", "true");
  setTimeout(() => {
    at("progress").hidden = signal.aborted || at("stop").hidden;
  }, SHOW_PROGRESS_MS);
}

function end(signal) {
  if (signal !== current.signal) return;
  at("stop").hidden = at("progress").hidden = true;
  document.body.removeAttribute("aria-busy");
}

function stop() {
  current.abort();
  end(current.signal);
  notice();
  say("Stopped.");
  at("question").focus();
}

/** Wait. The result is false if it was stopped meanwhile. */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}

// The reply -----------------------------------------------------------------------------------

function showAnswers(reply, showAll) {
  const { answers } = reply;
  at("answers").replaceChildren(...answers.map((answer, place) => answerItem(answer, place, reply)));
  at("results").hidden = !answers.length || reply.doubt !== null;
  if (reply.doubt) showDoubt(reply, showAll);
  else if (!answers.length) {
    notice("No answer found", [
      "No passage of this index shares a word with the question. Try other words.",
    ]);
  }
}

/** Say why the words that were found may not be the answer, and show the best passage. */
function showDoubt({ doubt, confidence, best_passage: best, offsets }, showAll) {
  const isHeldBack = doubt === "low_confidence";
  const why = isHeldBack
    ? `The best answer is right with a probability of only ${Math.round(100 * confidence)} %. `
    : "The reader quotes a few words of a passage, which can hardly answer such a question. ";
  const button = element("button", { type: "button", className: "plain" }, "Show the words found");
  button.addEventListener("click", () => {
    if (isHeldBack) return showAll();
    at("results").hidden = false;
    button.hidden = true;
  });
  notice(DOUBTS[doubt] ?? "The answer is doubtful", [why, button]);
  const heading = element("p", {}, "This passage is the most likely to help:");
  const figure = passageFigure({ ...best, start: 0, end: 0 }, offsets, 2 * AROUND_BEST);
  at("notice").firstChild.append(heading, figure);
}

function answerItem(answer, place, reply) {
  const around = place === 0 ? AROUND_BEST : AROUND_OTHERS;
  const name = `answer-${place + 1}`;
  const isSure = (reply.confidence ?? 1) >= DOUBTFUL_BELOW && !reply.doubt;
  const article = element(
    "article",
    { className: isSure ? "answer" : "answer doubtful", "aria-labelledby": name },
    element("h3", { id: name, dir: "auto" }, answer.answer),
    measures(answer),
    passageFigure(answer, reply.offsets, around),
  );
  const others = answer.supporting.filter((one) => one.passage_id !== answer.passage_id);
  if (others.length) article.append(support(others, reply.index));
  return element("li", {}, article);
}

/** Other passages that contain an answer. Their texts are fetched when the list is opened. */
function support(others, index) {
  const n = others.length;
  const figures = element("div", { "aria-live": "polite" });
  const details = element(
    "details",
    {},
    element("summary", {}, n === 1 ? "Also in 1 more passage" : `Also in ${n} more passages`),
    figures,
  );
  details.addEventListener("toggle", async () => {
    if (!details.open || figures.querySelector("figure")) return;
    figures.textContent = "Loading …";
    try {
      const passages = await Promise.all(others.map((one) => passageText(index, one.passage_id)));
      figures.replaceChildren(
        ...others.map((one, place) =>
          passageFigure({ ...one, passage: passages[place] }, "codepoint", AROUND_OTHERS),
        ),
      );
    } catch (error) {
      figures.textContent = `${error.message} Close and open this list to try again.`;
    }
  });
  return details;
}

async function passageText(index, id) {
  const address = `v1/${encodeURIComponent(index)}/doc/${encodeURIComponent(id)}`;
  return (await request(address)).doc.text;
}

function measures(answer) {
  const shown = element("p", { className: "measures quiet" });
  const isKnown = typeof answer.confidence === "number";
  const share = isKnown ? answer.confidence : answer.score;
  const gauge = element("span", { className: "gauge", "aria-hidden": "true" }, element("span"));
  gauge.firstChild.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  shown.append(gauge);
  if (isKnown) shown.append(`confidence ${Math.round(100 * answer.confidence)} % · `);
  shown.append(`score ${answer.score.toFixed(2)}`);
  return shown;
}

/** A passage with its answer marked. Offsets are code points or, as of strings, UTF-16 units. */
function passageFigure(answer, offsets, around) {
  const { passage, title, passage_id: id } = answer;
  const units = offsets === "utf16" ? passage.split("") : Array.from(passage);
  const start = answer.start ?? 0;
  const end = answer.end ?? 0;
  const quote = element("blockquote", { dir: "auto" });
  const show = (from, to) => {
    const text = (first, last) => units.slice(first, last).join("");
    quote.replaceChildren(from > 0 ? "… " : "", text(from, start));
    if (end > start) quote.append(element("mark", {}, text(start, end)));
    quote.append(text(end, to), to < units.length ? " …" : "");
  };
  const [from, to] = excerpt(units, start, end, around);
  show(from, to);
  const caption = element("figcaption", { className: "quiet" });
  if (title) caption.append(linked(element("cite", { dir: "auto" }, title), answer.metadata), " · ");
  caption.append(element("span", { className: "id" }, id));
  const { page, line } = answer.metadata ?? {};
  if (page ?? line) caption.append(page ? ` · page ${page}` : ` · line ${line}`);
  if (from > 0 || to < units.length) {
    const more = element("button", { type: "button", className: "plain" }, "Whole passage");
    more.setAttribute("aria-expanded", "false");
    more.addEventListener("click", () => {
      const isOpen = more.getAttribute("aria-expanded") === "true";
      more.setAttribute("aria-expanded", String(!isOpen));
      if (isOpen) show(from, to);
      else show(0, units.length);
    });
    caption.append(" · ", more);
  }
  return element("figure", {}, quote, caption);
}

/** A title, as a link if the passage's metadata has the address of its page. */
function linked(shown, metadata) {
  const { url } = metadata ?? {};
  if (typeof url !== "string" || !/^https?:\/\//.test(url)) return shown;
  return element("a", { href: url, rel: "noopener noreferrer" }, shown);
}

/** The part of a text that is shown around an answer, cut between words where there are spaces. */
function excerpt(units, start, end, around) {
  const slack = 30;
  let from = start - around;
  let to = end + around;
  if (from <= slack) from = 0;
  if (to >= units.length - slack) to = units.length;
  const isSpace = (place) => /\s/.test(units[place]);
  for (let n = 0; from > 0 && n < slack && !isSpace(from - 1); n++) from += 1;
  for (let n = 0; to < units.length && n < slack && !isSpace(to); n++) to -= 1;
  return [from, to];
}

function showTime(reply, tookMs) {
  const stages = { ...(reply.stage_ms ?? {}) };
  if (reply.took_ms < tookMs) stages.network = tookMs - reply.took_ms;
  const parts = Object.entries(stages);
  at("bar").replaceChildren(
    ...parts.map(([, ms], place) => {
      const part = element("span", { className: `part part-${place % 8}` });
      part.style.flexGrow = String(ms);
      return part;
    }),
  );
  at("stages").replaceChildren(
    ...parts.map(([stage, ms], place) =>
      element(
        "div",
        {},
        element(
          "dt",
          {},
          element("span", { className: `swatch part-${place % 8}`, "aria-hidden": "true" }),
          STAGES[stage] ?? stage,
        ),
        element("dd", {}, milliseconds(ms)),
      ),
    ),
  );
  at("time").hidden = !parts.length;
}

// Status and notices --------------------------------------------------------------------------

/** Set the status line, which screen readers read out. */
function say(...content) {
  at("status").replaceChildren(...content);
}

/** Show a notice; without arguments, remove it. */
function notice(title, content = []) {
  at("notice").replaceChildren(
    ...(title
      ? [
          element(
            "div",
            { className: "notice" },
            element("p", {}, element("strong", {}, title)),
            element("p", {}, ...content),
          ),
        ]
      : []),
  );
}

/** Say why there is no answer, and offer to try again where that may help. */
function refuse(error, again) {
  say();
  if (!(error instanceof Refusal)) {
    notice("This page failed", ["Reload it, and tell whoever runs this server."]);
    throw error;
  }
  if (error.status === 401) return wantKey(again);
  const button = element("button", { type: "button", className: "plain" }, "Try again");
  button.addEventListener("click", again);
  const offline = navigator.onLine
    ? "The server or the network may be down."
    : "This device is offline.";
  if (error.kind === "unreachable") {
    addEventListener("online", again, { once: true, signal: current.signal });
    return notice("The server cannot be reached", [`${offline} `, button]);
  }
  if (error.kind === "unreadable") {
    const status = error.status ? ` (${error.status})` : "";
    return notice("The reply is not valid", [`It does not come from preread${status}. `, button]);
  }
  const id = error.requestId && error.status >= 500 ? ` Request ${error.requestId}.` : "";
  const title = error.status === 503 ? "The server is still busy" : "The server did not answer";
  notice(title, [`${capital(error.message)}${id} `, button]);
}

function wantKey(again) {
  at("key-note").textContent = storedKey()
    ? "The key was not accepted. Check it, or ask whoever runs this server."
    : "The key is kept until this tab is closed, and sent to this server only.";
  at("key-form").hidden = false;
  at("key-form").onsubmit = (event) => {
    event.preventDefault();
    if (!storeKey(at("key").value.trim())) {
      at("key-note").textContent = "This key has characters that cannot be sent. Check it.";
      return;
    }
    at("key").value = "";
    at("key-form").hidden = true;
    at("question").focus();
    again();
  };
  at("key").focus();
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function milliseconds(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

function seconds(s) {
  return s === 1 ? "a second" : `${s} seconds`;
}

// Earlier questions ---------------------------------------------------------------------------

/** Keep a question in the address behind "#", which is never sent, and in this browser's list. */
function remember({ question, topK, index, filter }) {
  const address = new URLSearchParams({ q: question, index, k: topK });
  for (const one of filter) address.append("filter", one);
  const hash = `#${address}`;
  if (location.hash !== hash) history.pushState(null, "", hash);
  const others = recent().filter((one) => one.question !== question || one.index !== index);
  const list = [{ question, index }, ...others].slice(0, MOST_RECENT);
  write(localStorage, RECENT, JSON.stringify(list));
  showRecent();
}

function recent() {
  try {
    const list = JSON.parse(read(localStorage, RECENT) ?? "[]");
    return list.filter((one) => typeof one.question === "string" && typeof one.index === "string");
  } catch {
    return []; // another version wrote it
  }
}

function showRecent() {
  const known = recent().filter((one) => served.some((index) => index.name === one.index));
  at("past").hidden = !known.length;
  at("recent").replaceChildren(
    ...known.map(({ question, index }) => {
      const button = element("button", { type: "button", className: "plain", dir: "auto" }, question);
      if (served.length > 1) button.append(element("span", { className: "quiet" }, ` in ${index}`));
      button.addEventListener("click", () => {
        fill({ question, index });
        submit();
      });
      return element("li", {}, button);
    }),
  );
}

function fill({ question, index, topK, filter = [] }) {
  at("question").value = question;
  at("filter").value = filter.join(", ");
  if (topK) at("top-k").value = topK;
  if (served.some((one) => one.name === index)) at("index").value = index;
  showSize();
}

/** Ask the question of the address, if there is one. */
function askAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  if (!address.get("q")) return;
  fill({
    question: address.get("q"),
    index: address.get("index"),
    topK: address.get("k"),
    filter: address.getAll("filter"),
  });
  const what = asked();
  if (what) ask(what, { isNew: false });
}

function submit() {
  if (!served.length) return start(submit); // the list of indexes is missing, or needs a key
  const what = asked();
  if (what) ask(what);
}

// Indexes -------------------------------------------------------------------------------------

function showSize() {
  const index = served.find((one) => one.name === at("index").value);
  if (!index) return;
  const n = index.n_passages.toLocaleString("en");
  const where = served.length > 1 ? "" : `${index.name}, `;
  const passages = index.n_passages === 1 ? "1 passage" : `${n} passages`;
  at("size").textContent = `${where}${passages}, searched by ${index.retriever}`;
}

/** Offer questions about the chosen index. Without them the page works as well. */
async function showExamples() {
  const index = at("index").value;
  at("examples").hidden = true;
  let questions;
  try {
    ({ questions } = await request(`v1/${encodeURIComponent(index)}/examples`));
  } catch (error) {
    if (error instanceof Refusal) return;
    throw error;
  }
  const isLate = at("index").value !== index || !at("results").hidden || at("notice").firstChild;
  if (!questions.length || isLate || document.body.hasAttribute("aria-busy")) return;
  at("example-list").replaceChildren(
    ...questions.map((question) => {
      const button = element("button", { type: "button", className: "plain", dir: "auto" }, question);
      button.addEventListener("click", () => {
        fill({ question, index });
        submit();
      });
      return element("li", {}, button);
    }),
  );
  at("examples").hidden = false;
}

/** Load the list of indexes, and go on. */
async function start(then) {
  try {
    const reply = await request("v1");
    served = reply.indexes;
    limits = reply.limits;
  } catch (error) {
    return refuse(error, () => start(then));
  }
  notice();
  say();
  at("top-k").max = limits.top_k;
  at("top-k").value = Math.min(Number(at("top-k").value) || 20, limits.top_k);
  const chosen = at("index").value;
  const options = served.map(({ name }) => element("option", { value: name }, name));
  at("index").replaceChildren(...options);
  if (served.some(({ name }) => name === chosen)) at("index").value = chosen;
  at("index-option").hidden = served.length < 2;
  at("forget-key").hidden = !storedKey();
  showSize();
  showRecent();
  if (!location.hash) {
    say("Answers are words of the passages, and are shown in them.");
    showExamples();
  }
  then();
}

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
at("stop").addEventListener("click", stop);
at("index").addEventListener("change", () => {
  showSize();
  if (at("results").hidden) showExamples();
});
at("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the part of the address behind "#" has the question
  (at("results").hidden ? at("question") : at("results")).focus();
});
at("clear").addEventListener("click", () => {
  write(localStorage, RECENT, "");
  showRecent();
  at("question").focus();
});
at("forget-key").addEventListener("click", () => {
  storeKey("");
  location.reload();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !at("stop").hidden) stop();
});
addEventListener("popstate", askAddress);
if (matchMedia("(pointer: fine)").matches) at("question").focus(); // not on phones, where a keyboard would cover the page
start(askAddress);
