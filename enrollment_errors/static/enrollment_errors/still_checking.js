// The still-checking page: it asks again, a few times, until the answer is there.
(() => {
  "use strict";

  const CHECK_LIMIT = 20000; // ms
  // Longer in total than the default LINK_QUIET_TIME. Before that, the site cannot tell that a card is not enrolled.
  const CHECK_WAITS = [5000, 15000, 45000, 90000, 180000];
  const DOUBLE_CLICK = 1000;

  const { part, say, isShown, within } = window.enrollmentErrors;

  // The rider's press and the page's own check never run at the same time: both wait for the same answer.
  const form = part("check");
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
      due = Date.now() + wait * (1 + Math.random() / 5); // so that riders in an outage do not all ask at once
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
      form.submit(); // the rider gets to see the answer, whatever it is
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
})();
