// The enroll page: from the token view, through the processor's card form, to the enrollment. And, on the still-checking
// page, a word while the answer is awaited.
//
// The page says in #enrollment-data where to ask and which card form to load, and carries every text in <template>
// elements, so that no word stands here. Whatever goes wrong is told to the report view, which names the page to go to.
(() => {
  "use strict";

  const STILL_TRYING_AFTER = 10000; // ms
  const TOKEN_LIMIT = 20000;
  const CARD_FORM_LIMIT = 20000;
  const REPORT_LIMIT = 10000;
  const LONGEST_TIMEOUT = 2 ** 31 - 1; // a browser takes more for none at all

  const nonce = document.currentScript.nonce;
  const part = (name) => document.querySelector(`[data-enrollment="${name}"]`);
  const text = (name) => document.querySelector(`[data-enrollment-text="${name}"]`).content.textContent;
  let stillTrying;

  function say(name, nameAfterAWhile) {
    clearTimeout(stillTrying);
    part("status").textContent = text(name);
    part("status").toggleAttribute("data-waiting", Boolean(nameAfterAWhile));
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

  // A page from the back/forward cache holds an old token, a spent form, or a text that is no longer true.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  if (part("check")) {
    part("check").addEventListener("submit", () => say("checking", "stillChecking"));
    return;
  }

  const data = JSON.parse(document.getElementById("enrollment-data").textContent);
  const form = part("form");
  const button = document.getElementById("enrollment-open");

  let ended = false; // the card form has answered, or cannot: nothing that it says later counts
  let opened = false;

  // Always resolves. No answer at all is status null, and an answer that is no JSON object is an empty one.
  async function post(url, body, limit) {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), limit);
    const reply = { ok: false, status: null, answer: {} };
    try {
      const response = await fetch(url, {
        method: "POST",
        credentials: "same-origin",
        headers: {
          "Accept": "application/json",
          "Content-Type": "application/json",
          "X-CSRFToken": form.elements.csrfmiddlewaretoken.value,
        },
        body: JSON.stringify(body),
        keepalive: true, // a report must outlive the page that it is about
        signal: controller.signal,
      });
      reply.ok = response.ok;
      reply.status = response.status;
      reply.answer = Object(await response.json());
    } catch (error) {
      console.warn("enrollment:", url, error.name);
    } finally {
      clearTimeout(timer);
    }
    return reply;
  }

  function ownPath(value) {
    if (typeof value !== "string" || !value.startsWith("/")) return null;
    const url = new URL(value, location.origin);
    return url.origin === location.origin ? url.pathname + url.search + url.hash : null;
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

  const report = (event, status = null) => post(data.reportUrl, { event, status }, REPORT_LIMIT);

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
      showError();
    }
  }

  function showError() {
    clearTimeout(stillTrying);
    for (const name of ["steps", "form", "status", "retry"]) part(name).hidden = true;
    part("error").hidden = false;
    part("error").querySelector("h2").focus();
  }

  function enroll(cardToken) {
    ended = true;
    button.disabled = true;
    say("enrolling", "stillEnrolling");
    form.elements.card_token.value = cardToken;
    form.submit();
  }

  function loadCardForm() {
    return new Promise((resolve) => {
      const script = document.createElement("script");
      script.src = data.cardForm.url;
      script.nonce = nonce;
      script.onload = () => resolve(true);
      script.onerror = () => resolve(false);
      setTimeout(() => resolve(false), CARD_FORM_LIMIT);
      document.head.append(script);
    });
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
        const reply = await report("cancelled");
        const path = ownPath(reply.answer.redirect);
        if (path && !ended && !opened) location.replace(path);
      },
    };
    const settings = { authorization, element: `#${button.id}` };
    try {
      window[data.cardForm.function](Object.assign({}, data.cardForm.options, settings, callbacks));
    } catch (error) {
      console.error(error);
      endWith("form_not_loaded");
      return;
    }
    offerButton(() => {});
  }

  function offerButton(open) {
    button.addEventListener("click", () => {
      if (ended) return;
      if (!opened) report("started");
      opened = true;
      open();
    });
    button.disabled = false;
    say("ready");
  }

  // A rider who leaves the page open must not meet a card form that refuses its token.
  function renewAfter(seconds) {
    if (!Number.isInteger(seconds)) return;
    setTimeout(() => {
      if (!opened && !ended) location.reload();
    }, Math.min(seconds * 1000, LONGEST_TIMEOUT));
  }

  async function prepare() {
    say("preparing", "stillPreparing");
    const cardFormLoaded = data.cardForm && loadCardForm();
    const { ok, status, answer } = await post(data.tokenUrl, {}, TOKEN_LIMIT);
    const path = ownPath(answer.redirect);
    if (!ok && path) {
      location.replace(path); // the token view has reported it already
    } else if (ok && data.cardForm && isText(answer.token)) {
      if (await cardFormLoaded) {
        offerCardForm(answer.token);
        renewAfter(answer.expires_in);
      } else {
        endWith("form_not_loaded");
      }
    } else if (ok && !data.cardForm && gatewayUrl(answer.redirect)) {
      offerButton(() => {
        say("leaving", "stillPreparing");
        location.assign(gatewayUrl(answer.redirect));
      });
    } else {
      endWith("token_failed", status);
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
