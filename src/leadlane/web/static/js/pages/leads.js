// A form in the dialog that was heeded closes it, and whoever works by keys goes on in the list where they were.
(() => {
  const dialog = () => document.getElementById("dialog");
  const rows = () => [...document.querySelectorAll("[data-row]")];
  let id = "", at = -1;
  const remember = (row) => {
    if (row) (id = row.id), (at = rows().indexOf(row));
  };
  // Whoever types on before the form is there means the form, not other keys of the list.
  let awaited = false;
  document.addEventListener("htmx:before:request", (event) => {
    const source = event.detail.ctx?.sourceElement;
    awaited = source?.getAttribute("hx-target") === "#dialog";
    remember(source?.closest("[data-row]"));
  });
  document.addEventListener("htmx:finally:request", () => (awaited = false));
  document.addEventListener("keydown", (event) => {
    if (awaited && event.key.length === 1) event.preventDefault(), event.stopImmediatePropagation();
  }, true);
  document.addEventListener("htmx:after:swap", (event) => {
    const { target, sourceElement, response } = event.detail.ctx ?? {};
    if (response?.status >= 400) return; // what somebody wrote stays, with what is wrong beside it
    const swapped = typeof target === "string" ? target.slice(1) : target?.id;
    // What is renewed because something changed elsewhere leaves a form alone that somebody fills in.
    if (!dialog()?.open || !dialog().contains(sourceElement) || (swapped !== "leads" && swapped !== "lead")) return;
    dialog().close();
    dialog().replaceChildren();
    if (at >= 0) (document.getElementById(id) ?? rows()[Math.min(at, rows().length - 1)])?.focus();
  });
  // The station that is open is the one whose link says so.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-station]");
    if (!link) return;
    for (const one of document.querySelectorAll("[data-station]")) one.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
  });
})();
