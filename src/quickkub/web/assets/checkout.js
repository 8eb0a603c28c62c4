// Keeps an open checkout page up to date. It shows what the server says and concludes nothing by itself: a payment
// is paid when the server says so. Without this script the page is refreshed every few seconds instead.
"use strict";

(() => {
  const POLL_MS = 3000;
  const POLL_MS_MAX = 15000;
  const SILENCE_MS = 40000; // The server speaks at least every 15 s; longer means that something swallows the stream.
  const HURRY_SECONDS = 60;

  const page = document.querySelector("[data-stage]");
  const part = (id) => document.getElementById(id);
  const notice = part("notice");
  let deadline = performance.now() + Number(page.dataset.secondsLeft) * 1000;
  let stream = null;
  let silence = 0;
  let poll = 0;
  let ticking = 0;
  let asked = false;

  function show(state) {
    // A QR comes with the page, never by script, so that there is one way to draw it.
    if (state.stage === "waiting" && page.dataset.stage !== "waiting") return location.reload();
    deadline = performance.now() + state.seconds_left * 1000;
    asked = false;
    say("");
    if (state.stage !== "waiting") takeQrAway();
    document.title = state.document_title;
    part("paid-at").textContent = state.paid_at || "";
    part("back").hidden = !state.back;
    if (state.back) part("back").href = state.back;
    page.dataset.stage = state.stage;
    put("status-title", state.title);
    put("status-text", state.text);
    if (!state.watch) stop();
  }

  // Writing the same text again would make screen readers say it again.
  function put(id, text) {
    if (part(id).textContent !== text) part(id).textContent = text;
  }

  function say(text) {
    if (text || notice.textContent !== notice.dataset.oneMinute) put("notice", text);
  }

  function takeQrAway() {
    clearInterval(ticking);
    page.classList.remove("hurry");
    put("notice", "");
    for (const piece of document.querySelectorAll("[data-while-waiting]")) {
      if (piece.contains(document.activeElement)) part("status-title").focus();
      piece.remove();
    }
  }

  function tick() {
    const left = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(left / 3600);
    const minutes = Math.floor(left / 60) % 60;
    part("clock").textContent = (hours ? `${hours}:` : "") + `${two(minutes)}:${two(left % 60)}`;
    if (left <= HURRY_SECONDS && !page.classList.contains("hurry")) {
      page.classList.add("hurry");
      put("notice", notice.dataset.oneMinute);
    }
    if (left === 0 && !asked) ask(); // Whether time is really up, the server says.
  }

  async function ask() {
    asked = true;
    try {
      const answer = await fetch(page.dataset.state, { cache: "no-store" });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      show(await answer.json());
      return true;
    } catch {
      say(notice.dataset.offline);
      return false;
    }
  }

  function listen() {
    stream = new EventSource(page.dataset.events);
    stream.addEventListener("state", (event) => {
      clearTimeout(silence);
      silence = setTimeout(askAgainAndAgain, SILENCE_MS);
      show(JSON.parse(event.data));
    });
    // Closed means that the server refused the stream; otherwise the browser connects again by itself.
    stream.onerror = () => (stream.readyState === EventSource.CLOSED ? askAgainAndAgain() : ask());
    silence = setTimeout(askAgainAndAgain, SILENCE_MS);
  }

  function askAgainAndAgain(wait = POLL_MS) {
    stream?.close();
    clearTimeout(silence);
    clearTimeout(poll);
    poll = setTimeout(async () => {
      const answered = await ask();
      if ("watch" in page.dataset) askAgainAndAgain(answered ? POLL_MS : Math.min(wait * 2, POLL_MS_MAX));
    }, wait);
  }

  function stop() {
    delete page.dataset.watch;
    stream?.close();
    for (const timer of [silence, poll]) clearTimeout(timer);
    part("live")?.remove();
  }

  if (!("watch" in page.dataset)) return;
  if (page.dataset.stage === "waiting") {
    ticking = setInterval(tick, 1000);
    tick();
  }
  listen();
  // A payer comes back from the bank app: phones stop streams and timers of pages that are not seen.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && "watch" in page.dataset) ask();
  });
})();
