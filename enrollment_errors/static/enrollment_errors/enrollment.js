// The enroll page: from the token view, through the processor's card form, to the enrollment. And the still-checking
// page: asking again, a few times, until the answer is there.
//
// The enroll page says in #enrollment-data where to ask and which card form to load, and both carry every text in
// <template> elements, so that no word stands here. Whatever goes wrong is told to the report view, which names the page
// to go to, or none where the rider can simply try again.
(() => {
  "use strict";

  const STILL_TRYING_AFTER = 10000; // ms
  const TOKEN_LIMIT = 20000;
  const CARD_FORM_LIMIT = 20000;
  const REPORT_LIMIT = 10000;
  const CHECK_LIMIT = 20000;
  // Together longer than the default LINK_QUIET_TIME, before which the site cannot tell that a card is not enrolled.
  const CHECK_WAITS = [5000, 15000, 45000, 90000, 180000];
  const DOUBLE_CLICK = 1000;
  const LONGEST_TIMEOUT = 2 ** 31 - 1; // a browser takes more for none at all

  const nonce = document.currentScript.nonce;
  const part = (name) => document.querySelector(`[data-enrollment="${name}"]`);
  const text = (name) => document.querySelector(`[data-enrollment-text="${name}"]`).content.textContent;
  let stillTrying;

  function say(name, nameAfterAWhile, waiting = Boolean(nameAfterAWhile)) {
    clearTimeout(stillTrying);
    part("status").textContent = text(name);
    part("status").toggleAttribute("data-waiting", waiting);
    showRetry(false);
    if (nameAfterAWhile) {
      stillTrying = setTimeout(() => {
        part("status").textContent = text(nameAfterAWhile);
        showRetry(true);
      }, STILL_TRYING_AFTER);
    }
  }

  function showRetry(shown) {
    if (part("retry")) part("retry").hidden = !shown;
  }

  const isShown = () => document.visibilityState === "visible";

  function ownPath(value) {
    if (typeof value !== "string" || !value.startsWith("/")) return null;
    const url = new URL(value, location.origin);
    return url.origin === location.origin ? url.pathname + url.search + url.hash : null;
  }

  // What `ask` comes to, or undefined where that takes too long or fails.
  async function within(limit, ask) {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), limit);
    try {
      return await ask(controller.signal);
    } catch (error) {
      console.warn("enrollment:", error.name);
    } finally {
      clearTimeout(timer);
    }
  }

  // A page from the back/forward cache holds an old token, a spent form, or a text that is no longer true.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  // A rider's press and the page's own asking are never under way at once: one answer is for both.
  function keepChecking(form) {
    const waits = [...CHECK_WAITS];
    let due = null;
    let timer;
    let asking = false;
    let pressed = false; // while asking
    let posted = false; // a moment ago

    function waitUntilDue() {
      clearTimeout(timer);
      if (due !== null && isShown()) timer = setTimeout(ask, due - Date.now());
    }

    function waitForNext() {
      const wait = waits.shift();
      if (wait) {
        due = Date.now() + wait * (1 + Math.random() / 5); // riders of one outage do not ask all at once
        say("waiting");
        waitUntilDue();
      } else {
        say("unanswered");
      }
    }

    async function ask() {
      due = null;
      asking = true;
      pressed = false;
      say("checking", "stillChecking");
      const body = new URLSearchParams(new FormData(form));
      const response = await within(CHECK_LIMIT, (signal) => fetch(form.action, { method: "POST", body, signal }));
      asking = false;
      const end = response && new URL(response.url);
      if (end && end.origin === location.origin && end.pathname !== location.pathname) {
        location.replace(end);
      } else if (pressed && !(response && response.ok)) {
        form.submit(); // whatever it is, the rider gets to see it
      } else {
        waitForNext();
      }
    }

    form.addEventListener("submit", (event) => {
      if (asking || posted || !navigator.onLine) {
        event.preventDefault();
        pressed = true;
        if (!asking && !posted) say("offline");
        return;
      }
      posted = true;
      setTimeout(() => (posted = false), DOUBLE_CLICK);
      due = null;
      waitUntilDue();
      say("checking", "stillChecking");
    });
    document.addEventListener("visibilitychange", waitUntilDue);
    waitForNext();
  }

  if (part("check")) {
    keepChecking(part("check"));
    return;
  }

  const data = JSON.parse(document.getElementById("enrollment-data").textContent);
  const form = part("form");
  const button = document.getElementById("enrollment-open");

  let ended = false; // the card form has answered, or cannot: nothing that it says later counts
  let opened = false;
  let cardFormLoading = null; // a promise of whether it has; none where it has failed, or not begun

  // Always resolves. No answer at all is status null, and an answer that is no JSON object is an empty one.
  async function post(url, body, limit, keepalive) {
    const reply = { ok: false, status: null, answer: {} };
    await within(limit, async (signal) => {
      const response = await fetch(url, {
        method: "POST",
        credentials: "same-origin",
        headers: {
          "Accept": "application/json",
          "Content-Type": "application/json",
          "X-CSRFToken": form.elements.csrfmiddlewaretoken.value,
        },
        body: JSON.stringify({ ...body, made_for: data.madeFor }),
        keepalive,
        signal,
      });
      reply.ok = response.ok;
      reply.status = response.status;
      reply.answer = Object(await response.json());
    });
    return reply;
  }

  function gatewayUrl(value) {
    try {
      const url = new URL(value);
      return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
    } catch (error) {
      return null;
    }
  }

  const isText = (value) => typeof value === "string" && value !== "";

  // Must outlive the page that it is about.
  const report = (event, status = null) => post(data.reportUrl, { event, status }, REPORT_LIMIT, true);

  // Whether that leads to another page, such as where the rider may not enroll any more.
  async function tell(event) {
    const { answer } = await report(event);
    const path = ended ? null : ownPath(answer.redirect);
    if (path) location.replace(path);
    return path !== null;
  }

  async function endWith(event, status) {
    if (ended) return;
    ended = true;
    button.disabled = true;
    say("checking", "stillPreparing");
    const reply = await report(event, Number.isInteger(status) ? status : null);
    const path = ownPath(reply.answer.redirect);
    if (path) {
      location.replace(path);
    } else {
      show(part("error"));
    }
  }

  // What the rider needs for the card form or, in its place, a message.
  function show(message) {
    clearTimeout(stillTrying);
    for (const name of ["steps", "form", "status"]) part(name).hidden = message !== null;
    showRetry(false);
    for (const other of [part("connection"), part("error")]) other.hidden = other !== message;
    if (message) message.querySelector("h2").focus();
  }

  let unreported = null; // why the page got no token, where nobody could be told yet
  let tries = 0;

  // No answer from our own token view, or somebody else's: the rider's connection, or our own server.
  function askToTryAgain(status) {
    show(part("connection"));
    unreported = { status };
    tellWhenPossible();
    const isSomebodysPage = status !== null && status < 500;
    part("again").onclick = () => {
      tries += 1;
      if (isSomebodysPage && tries > 1) {
        location.reload(); // only the browser can show what it is, such as a log-in
      } else {
        prepare();
        part("status").focus();
      }
    };
  }

  async function tellWhenPossible() {
    const told = unreported;
    if (!told) return;
    unreported = null;
    const { answer } = await report("token_failed", told.status);
    const path = ownPath(answer.redirect);
    if (path && !part("connection").hidden) {
      location.replace(path);
    } else if (!("redirect" in answer)) {
      unreported = unreported || told;
    }
  }

  window.addEventListener("online", tellWhenPossible);

  function enroll(cardToken) {
    ended = true;
    button.disabled = true;
    say("enrolling", "stillEnrolling");
    form.elements.card_token.value = cardToken;
    form.submit();
  }

  async function loadCardForm() {
    const loaded = await new Promise((resolve) => {
      const script = document.createElement("script");
      script.src = data.cardForm.url;
      script.nonce = nonce;
      script.onload = () => resolve(true);
      script.onerror = () => resolve(false);
      setTimeout(() => resolve(false), CARD_FORM_LIMIT);
      document.head.append(script);
    });
    if (!loaded) cardFormLoading = null;
    return loaded;
  }

  function offerCardForm(authorization) {
    const callbacks = {
      onTokenize(answer) {
        if (ended) return;
        if (!answer || !isText(answer.token)) {
          endWith("failed");
          return;
        }
        report("tokenized");
        enroll(answer.token);
      },
      onVerificationFailure(answer) {
        endWith("refused", answer && answer.status);
      },
      onError(answer) {
        endWith("failed", answer && answer.status);
      },
      async onCancel() {
        if (ended) return;
        opened = false;
        say("cancelled");
        if (!(await tell("cancelled"))) renewIfExpired();
      },
    };
    const fail = (error) => {
      console.error(error);
      endWith("form_not_loaded");
    };
    const settings = { authorization, element: `#${button.id}` };
    try {
      const started = window[data.cardForm.function](Object.assign({}, data.cardForm.options, settings, callbacks));
      Promise.resolve(started).catch(fail); // an asynchronous one may fail later
    } catch (error) {
      fail(error);
      return;
    }
    // Nothing says whether the card form has opened: where it has, what stands behind it is in nobody's way.
    offerButton(() => say("opened", "notOpened", false));
  }

  function offerButton(open) {
    button.addEventListener("click", () => {
      if (ended) return;
      if (!opened) tell("started");
      opened = true;
      open();
    });
    button.disabled = false;
    say("ready");
    if (document.activeElement === part("status")) button.focus();
  }

  let expiresAt = Infinity;

  // A rider who leaves the page open must not meet a card form that refuses its token. Nobody needs a new one while the
  // page is out of sight, and without a connection there is none to be had.
  function renewIfExpired() {
    if (Date.now() >= expiresAt && !opened && !ended && isShown() && navigator.onLine) location.reload();
  }

  function renewAfter(seconds) {
    if (!Number.isInteger(seconds)) return;
    expiresAt = Date.now() + seconds * 1000;
    setTimeout(renewIfExpired, Math.min(seconds * 1000 + 10, LONGEST_TIMEOUT));
    document.addEventListener("visibilitychange", renewIfExpired);
    window.addEventListener("online", renewIfExpired);
  }

  async function prepare() {
    show(null);
    say("preparing", "stillPreparing");
    if (data.cardForm) cardFormLoading = cardFormLoading || loadCardForm();
    const { ok, status, answer } = await post(data.tokenUrl, {}, TOKEN_LIMIT, false);
    const path = ownPath(answer.redirect);
    if (!ok && path) {
      location.replace(path); // the token view has reported it already
    } else if (ok && data.cardForm && isText(answer.token)) {
      tellWhenPossible();
      if (await cardFormLoading) {
        offerCardForm(answer.token);
        renewAfter(answer.expires_in);
      } else {
        endWith("form_not_loaded");
      }
    } else if (ok && !data.cardForm && gatewayUrl(answer.redirect)) {
      tellWhenPossible();
      offerButton(() => {
        say("leaving", "stillPreparing");
        location.assign(gatewayUrl(answer.redirect));
      });
    } else if (status >= 400 && status < 500) {
      endWith("token_failed", status);
    } else {
      askToTryAgain(status);
    }
  }

  part("late").remove();
  button.hidden = false;
  if (data.returned) {
    enroll("");
  } else {
    prepare();
  }
})();
