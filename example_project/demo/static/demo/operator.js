// Events arrive half a second after they happen, so look again while the page is open.
(() => {
  "use strict";

  const EVERY = 2000; // ms
  const told = document.getElementById("told");

  async function look() {
    try {
      const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
      const now = page.getElementById("told");
      // Keep an unchanged list, so that its open entries stay open.
      if (now && now.children.length !== told.children.length) told.replaceChildren(...now.children);
    } catch (error) {
      console.warn("operator:", error.name); // the demo has ended, or is starting again
    }
    setTimeout(look, EVERY);
  }

  setTimeout(look, EVERY);
})();
