// The gateway's script puts its fields into the page. It speaks English only, so our own words stand beside them.
(() => {
  const wrong = new Set();

  window.enrollmentErrors.cardForm = {
    prepare(page) {
      const fields = Object.entries(page.fields).map(([name, { selector, label }]) => [name, { selector, title: label }]);
      return new Promise((ready) => {
        window.CardFields.configure({
          fields: Object.fromEntries(fields),
          onReady: ready,
          onInvalid: (name) => page.invalid(wrong.add(name)),
          onTimeout: () => page.failed(),
          onToken: (token) => page.tokenized({ token }),
        });
      });
    },
    open() {
      wrong.clear();
      window.CardFields.start();
    },
  };
})();
