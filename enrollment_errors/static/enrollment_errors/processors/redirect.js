// A processor with a site of its own: the rider goes there and comes back.
window.enrollmentErrors.cardForm = {
  open(page) {
    page.leave(page.access);
  },
};
