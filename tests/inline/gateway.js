// The stand-in for a payment gateway's script: fields in frames of its own, a public key, no access from a server, another
// token on every run, and messages in English. What becomes of a card is said by its number.
window.CardFields = (() => {
  const key = document.currentScript.dataset.key;
  const rules = { number: /^\d{16}$/, expiry: /^\d\d\/\d\d$/, code: /^\d{3}$/ };
  const inputs = {};
  let options;

  function addField(name, { selector, title }) {
    const frame = document.createElement("iframe");
    frame.title = title;
    document.querySelector(selector).append(frame);
    inputs[name] = frame.contentDocument.createElement("input");
    inputs[name].setAttribute("aria-label", title);
    inputs[name].autocomplete = "off";
    frame.contentDocument.body.append(inputs[name]);
  }

  return {
    configure(given) {
      if (!key) throw new Error("no key");
      options = given;
      for (const [name, field] of Object.entries(options.fields)) addField(name, field);
      setTimeout(options.onReady);
    },
    start() {
      const wrong = Object.keys(inputs).filter((name) => !rules[name].test(inputs[name].value));
      for (const name of wrong) options.onInvalid(name, `The ${name} is invalid.`);
      if (wrong.length) return;
      if (inputs.number.value === "4000000000000000") setTimeout(options.onTimeout);
      else setTimeout(() => options.onToken(`${inputs.number.value.slice(-4)}-${Math.random().toString(36).slice(2)}`));
    },
  };
})();
