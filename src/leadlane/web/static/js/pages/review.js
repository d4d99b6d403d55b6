// A key chooses what is to be done; Enter does it. Choosing a place or an ending by hand chooses its radio too.
(() => {
  const form = () => document.querySelector(".review-form");
  document.addEventListener("change", (event) => {
    const option = event.target.matches?.(".option select") && event.target.closest(".option");
    if (option) option.querySelector('input[type="radio"]').checked = true;
  });
  document.addEventListener("click", (event) => {
    const head = event.target.closest?.(".option-head");
    if (!head || event.detail) return; // only what a key did; the mouse needs no help
    const option = head.closest(".option");
    (option.querySelector("select") ?? head.querySelector("input")).focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Where a radio has been chosen, the keys of the page go on to hold.
    if (event.target.matches('.option input[type="radio"]') && event.key.length === 1) {
      document.querySelector(`.option-head[aria-keyshortcuts="${CSS.escape(event.key)}"]`)?.click();
    }
    const isFree = event.target === document.body || event.target.matches(".option select, .option input, main");
    if (event.key !== "Enter" || !isFree || document.querySelector("dialog[open]")) return;
    if (!form()?.querySelector('input[name="what"]:checked')) return;
    event.preventDefault();
    form().requestSubmit();
  });
})();
