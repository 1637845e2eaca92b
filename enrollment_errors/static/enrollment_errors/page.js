// What the scripts of our pages share. All texts are in the <template> elements of the page, and none are here.
window.enrollmentErrors = (() => {
  "use strict";

  const STILL_TRYING_AFTER = 10000; // ms

  const nonce = document.currentScript.nonce;
  const part = (name) => document.querySelector(`[data-enrollment="${name}"]`);
  const textOf = (name) => document.querySelector(`[data-enrollment-text="${CSS.escape(name)}"]`);
  let stillTrying;

  function say(name, nameAfterAWhile, waiting = Boolean(nameAfterAWhile)) {
    clearTimeout(stillTrying);
    part("status").textContent = textOf(name).content.textContent;
    part("status").toggleAttribute("data-waiting", waiting);
    showRetry(false);
    if (nameAfterAWhile) {
      stillTrying = setTimeout(() => {
        part("status").textContent = textOf(nameAfterAWhile).content.textContent;
        showRetry(true);
      }, STILL_TRYING_AFTER);
    }
  }

  function sayNothing() {
    clearTimeout(stillTrying);
    showRetry(false);
  }

  function showRetry(shown) {
    if (part("retry")) part("retry").hidden = !shown;
  }

  const isShown = () => document.visibilityState === "visible";

  // The result of `ask`, or undefined if it takes too long or fails.
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

  const textOrNull = (value) => (typeof value === "string" && value !== "" ? value : null);

  // A page from the back/forward cache has an old token, a used form, or a text that is no longer true.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  const hasText = (name) => textOf(name) !== null;
  return { nonce, part, hasText, say, sayNothing, isShown, within, ownPath, gatewayUrl, textOrNull };
})();
