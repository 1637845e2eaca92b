// The sandbox's stand-in for the processor's hosted card form: window.littlepay(options) makes options.element open a
// dialog that asks for a test card instead of a number.
//
// Everything works under a strict content security policy that allows this script and, in connect-src, its origin:
// the dialog's styles are a constructed style sheet in a shadow root, so they need no style-src and touch no page.
(function () {
  "use strict";

  const origin = new URL(document.currentScript.src).origin;
  const attached = new WeakMap();
  let isOpen = false; // or about to be: a double click opens one dialog

  const styles = new CSSStyleSheet();
  styles.replaceSync(`
    dialog {
      border: 0; border-radius: 0.5rem; box-sizing: border-box; color: #1b1b1b; background: #fff;
      font: 1rem/1.5 system-ui, sans-serif; max-inline-size: 26rem; inline-size: calc(100% - 2rem); padding: 1.5rem;
    }
    dialog::backdrop { background: rgb(0 0 0 / 60%); }
    h2 { font-size: 1.25rem; margin: 0 0 0.5rem; }
    p { margin: 0 0 1rem; }
    label { display: block; font-weight: 600; }
    select, button {
      border: 1px solid #565c65; border-radius: 0.25rem; box-sizing: border-box; font: inherit; min-block-size: 2.75rem;
      padding: 0.5rem 1rem;
    }
    select { background: #fff; color: inherit; inline-size: 100%; margin-block-end: 1.5rem; }
    button { background: #fff; color: #1b1b1b; }
    button[type="submit"] { background: #005ea2; border-color: #005ea2; color: #fff; margin-inline-end: 0.5rem; }
    :focus-visible { outline: 0.25rem solid #2491ff; outline-offset: 2px; }
    button:disabled { opacity: 0.6; }
  `);

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  async function ask(path, method, authorization) {
    const response = await fetch(origin + path, { method, headers: { Authorization: authorization } });
    if (!response.ok) {
      throw Object.assign(new Error("refused"), { status: response.status });
    }
    return response.json();
  }

  async function open(options) {
    if (isOpen) return;
    isOpen = true;
    const call = (name, response) => options[name] && options[name](response);
    // A refusal has a status; a server that could not be reached has none.
    const fail = ({ status }) => call("onError", status ? { status } : {});
    let cards;
    try {
      cards = await ask("/card-form/cards", "GET", options.authorization);
    } catch (reason) {
      isOpen = false;
      fail(reason);
      return;
    }

    const select = element("select", { id: "card" });
    select.append(...cards.map((card) => element("option", { value: card.key }, card.name)));
    const submit = element("button", { type: "submit" }, "Continue");
    const cancel = element("button", { type: "button" }, "Cancel");
    const form = element(
      "form",
      { method: "dialog" },
      element("h2", { id: "title" }, "Sandbox card form"),
      element("p", {}, "Riders enter their card here. In the sandbox you choose what becomes of it."),
      element("label", { htmlFor: "card" }, "Test card"),
      select,
      submit,
      cancel,
    );
    const dialog = element("dialog", { lang: "en" }, form);
    dialog.setAttribute("aria-labelledby", "title");
    const host = element("div");
    host.attachShadow({ mode: "open" }).adoptedStyleSheets = [styles];
    host.shadowRoot.append(dialog);
    document.body.append(host);

    // Closing gives the focus back to the button that opened the dialog.
    const close = () => {
      dialog.close();
      host.remove();
      isOpen = false;
    };
    const giveUp = () => {
      close();
      call("onCancel");
    };
    cancel.addEventListener("click", giveUp);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      giveUp();
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      try {
        const path = `/card-form/use?card=${encodeURIComponent(select.value)}`;
        const { callback, response } = await ask(path, "POST", options.authorization);
        close();
        call(callback, response);
      } catch (reason) {
        close();
        fail(reason);
      }
    });
    dialog.showModal();
    select.focus();
  }

  window.littlepay = function (options) {
    const button = document.querySelector(options.element);
    if (!button) {
      throw new Error(`littlepay: no element ${options.element}`);
    }
    // Called again for the same button, with a new authorization, it must not open two dialogs.
    attached.get(button)?.abort();
    const attachment = new AbortController();
    attached.set(button, attachment);
    button.addEventListener("click", () => open(options), { signal: attachment.signal });
  };
})();
