// Littlepay's hosted card form, which its script opens over the page when the rider presses the button.
window.enrollmentErrors.cardForm = {
  prepare(page) {
    const started = window.littlepay({
      ...page.data,
      authorization: page.access,
      element: `#${page.button.id}`,
      onTokenize: page.tokenized,
      onVerificationFailure: page.refused,
      onError: page.failed,
      onCancel: page.cancelled,
    });
    Promise.resolve(started).catch(page.notLoaded); // an asynchronous form may fail later
  },
};
