// What was typed into a form that names who types (`data-by`) outlives the session: where it had ended when the form
// was sent, the text waits in this window for whoever signs in again as the same.
(() => {
  const forms = () => document.querySelectorAll("form[data-by]:not([hx-post])");
  const key = (form) => `sent ${form.dataset.by} ${form.action}`;
  const fields = (form) => [...form.querySelectorAll("textarea")];
  document.addEventListener("submit", ({ target }) => {
    if (![...forms()].includes(target)) return;
    const typed = Object.fromEntries(fields(target).map((field) => [field.name, field.value]));
    sessionStorage.setItem(key(target), JSON.stringify(typed));
  });
  const isFromSignIn = document.referrer && new URL(document.referrer).pathname === "/sign-in";
  for (const form of forms()) {
    const typed = JSON.parse(sessionStorage.getItem(key(form)));
    sessionStorage.removeItem(key(form));
    // Whoever comes from elsewhere has sent it, and sees what is kept now.
    if (typed && isFromSignIn) for (const field of fields(form)) field.value = typed[field.name] ?? field.value;
  }
})();
