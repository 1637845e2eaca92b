// The enroll page: from the token view, through the processor's card form, to the enrollment.
//
// It knows no processor. #enrollment-data says where to ask and what the card form needs, and the processor's adapter,
// window.enrollmentErrors.cardForm, connects the page and the form (docs/adding-a-processor.md). The script reports
// every error to the report view, which names the page to go to, or none if the rider can simply try again.
(() => {
  "use strict";

  const TOKEN_LIMIT = 20000; // ms
  const CARD_FORM_LIMIT = 20000;
  const REPORT_LIMIT = 10000;
  const LONGEST_TIMEOUT = 2 ** 31 - 1; // with a longer one, browsers do not wait at all

  const { nonce, part, hasText, say, sayNothing, isShown, within, ownPath, gatewayUrl, textOrNull } =
    window.enrollmentErrors;
  const data = JSON.parse(document.getElementById("enrollment-data").textContent);
  const { kind, script, scriptAttributes, needsAccess, opensAtOnce } = data.cardForm;
  const form = part("form");
  const button = document.getElementById("enrollment-open");

  let ended = false; // the card form has answered, or cannot; ignore what it says later
  let opened = false;
  let scriptLoading = null; // a promise of whether the processor's script loads; null before it starts, or if it fails

  // Always resolves. Without an answer, the status is null. An answer that is not a JSON object counts as empty.
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

  // Must outlive the page that it reports on.
  const report = (event, status = null, reason = null) =>
    post(data.reportUrl, { event, status, reason }, REPORT_LIMIT, true);

  // Whether that leads to another page, for example because the rider may no longer enroll.
  async function tell(event) {
    const { answer } = await report(event);
    const path = ended ? null : ownPath(answer.redirect);
    if (path) location.replace(path);
    return path !== null;
  }

  async function endWith(event, answer) {
    if (ended) return;
    ended = true;
    button.disabled = true;
    say("checking", "stillPreparing");
    const { status, reason } = Object(answer);
    const reply = await report(event, Number.isInteger(status) ? status : null, textOrNull(reason));
    const path = ownPath(reply.answer.redirect);
    if (path) {
      location.replace(path);
    } else if (reply.status === null) {
      show(part("connection"));
      part("again").onclick = () => location.reload();
    } else {
      show(part("error"));
    }
  }

  // Shows what the rider needs for the card form or, instead, a message.
  function show(message) {
    sayNothing();
    for (const name of ["steps", "form", "status"]) part(name).hidden = message !== null;
    for (const other of [part("connection"), part("error")]) other.hidden = other !== message;
    if (message) message.querySelector("h2").focus();
  }

  let unreported = null; // why the page got no token, if it could not report that yet
  let tries = 0;

  // Our token view did not answer, or something else did: it is the rider's connection, or our own server.
  function askToTryAgain(status) {
    show(part("connection"));
    unreported = { status };
    tellWhenPossible();
    const isSomebodysPage = status !== null && status < 500;
    part("again").onclick = () => {
      tries += 1;
      if (isSomebodysPage && tries > 1) {
        location.reload(); // only the browser can show that page, such as a login
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

  // Without a connection, the browser would show an error page of its own, and the rider would have to enter the card
  // again. If the report got an answer, the browser is wrong to think that it is offline.
  async function enrollWhenOnline(cardToken, told) {
    ended = true;
    button.disabled = true;
    if (navigator.onLine || (await told).status !== null) {
      enroll(cardToken);
    } else {
      say("offline", "offline");
      window.addEventListener("online", () => enroll(cardToken), { once: true });
    }
  }

  async function loadScript() {
    const loaded = await new Promise((resolve) => {
      const element = document.createElement("script");
      for (const [name, value] of Object.entries(scriptAttributes)) element.setAttribute(name, value);
      element.src = script;
      element.nonce = nonce;
      element.onload = () => resolve(true);
      element.onerror = () => resolve(false);
      setTimeout(() => resolve(false), CARD_FORM_LIMIT);
      document.head.append(element);
    });
    if (!loaded) scriptLoading = null;
    return loaded;
  }

  // The fields of an inline form: where each one goes, its label, and its own error.
  const fields = Object.fromEntries(
    [...document.querySelectorAll("[data-enrollment-field]")].map((field) => {
      const at = field.querySelector("[data-enrollment-frame]");
      const error = field.querySelector("[data-enrollment-error]");
      const label = field.querySelector("[data-enrollment-label]").textContent.trim();
      return [field.dataset.enrollmentField, { at, error, label, selector: `#${at.id}` }];
    }),
  );

  // What the adapter gets from the page. Its calls count until one ends the form.
  const page = {
    access: null,
    button,
    data: data.cardForm.data,
    fields: Object.fromEntries(Object.entries(fields).map(([name, { error, ...rest }]) => [name, rest])),

    tokenized(answer) {
      if (ended) return;
      const token = textOrNull(Object(answer).token);
      if (token === null) {
        endWith("failed");
        return;
      }
      enrollWhenOnline(token, report("tokenized"));
    },

    refused(answer) {
      endWith("refused", answer);
    },

    failed(answer) {
      endWith("failed", answer);
    },

    notLoaded(error) {
      console.error(error);
      endWith("form_not_loaded");
    },

    async cancelled() {
      if (ended) return;
      opened = false;
      offerAgain("cancelled");
      if (!(await tell("cancelled"))) renewIfExpired();
    },

    // The rider can correct these, so nothing has ended.
    invalid(names) {
      if (ended) return;
      const wrong = [...names].filter((name) => name in fields);
      showErrors(wrong);
      offerAgain("invalid");
      const first = Object.keys(fields).find((name) => wrong.includes(name));
      (first ? fields[first].at.querySelector("iframe, input") || button : button).focus();
    },

    leave(address) {
      const url = gatewayUrl(address);
      if (ended || url === null) return;
      say("leaving", "stillPreparing");
      location.assign(url);
    },
  };

  function showErrors(names) {
    for (const [name, { error }] of Object.entries(fields)) error.hidden = !names.includes(name);
  }

  function offerAgain(text) {
    button.disabled = false;
    say(text);
  }

  // Whether the adapter has what it needs. The button waits for its promise, but not forever.
  async function isPrepared() {
    const adapter = window.enrollmentErrors.cardForm;
    if (!adapter || !(await scriptLoading)) return false;
    let timer;
    try {
      return await Promise.race([
        Promise.resolve(adapter.prepare && adapter.prepare(page)).then(() => true),
        new Promise((resolve) => (timer = setTimeout(() => resolve(false), CARD_FORM_LIMIT))),
      ]);
    } catch (error) {
      console.error(error);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  function press() {
    if (ended) return;
    if (!opened) tell("started");
    opened = true;
    if (kind === "dialog") {
      // The page cannot tell whether the dialog has opened. If it has, the text behind it bothers nobody.
      say("opened", "notOpened", false);
    } else if (kind === "inline") {
      showErrors([]);
      button.disabled = true;
      say("checking", "stillPreparing");
    }
    const adapter = window.enrollmentErrors.cardForm;
    try {
      Promise.resolve(adapter.open && adapter.open(page)).catch(page.notLoaded);
    } catch (error) {
      page.notLoaded(error);
    }
  }

  function offerButton() {
    if (ended) return;
    button.addEventListener("click", press);
    button.disabled = false;
    if (hasText(data.unfinished)) {
      say(data.unfinished);
    } else {
      say("ready");
      if (opensAtOnce) {
        button.focus(); // so it gets the focus back when the form closes
        button.click();
      }
    }
    if (document.activeElement === part("status")) button.focus();
  }

  let expiresAt = Infinity;

  // A rider who leaves the page open must not get a card form that refuses its token. Nobody needs a new token while
  // the page is hidden, and without a connection the page cannot get one.
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
    scriptLoading = scriptLoading || (script ? loadScript() : Promise.resolve(true));
    const { ok, status, answer } = needsAccess
      ? await post(data.tokenUrl, {}, TOKEN_LIMIT, false)
      : { ok: true, status: 200, answer: {} };
    const path = ownPath(answer.redirect);
    page.access = kind === "redirect" ? gatewayUrl(answer.redirect) : textOrNull(answer.token);
    if (!ok && path) {
      location.replace(path); // the token view has already reported it
    } else if (ok && (page.access !== null || !needsAccess)) {
      tellWhenPossible();
      if (await isPrepared()) {
        offerButton();
        renewAfter(answer.expires_in);
      } else {
        endWith("form_not_loaded");
      }
    } else if (status >= 400 && status < 500) {
      endWith("token_failed", { status });
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
