// Keys, dialogs, toasts and the palette. Everything here has a way without a script; this one is quicker.
(() => {
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");
  const open = (dialog) => dialog && !dialog.open && dialog.showModal();
  const visible = (element) => element && element.offsetParent !== null && !element.disabled;

  // ---------------------------------------------------------------- lists and keys
  const rows = () => [...document.querySelectorAll("[data-row]")].filter(visible);
  const present = () => document.activeElement?.closest("[data-row]");
  const step = (by) => {
    const all = rows(), at = all.indexOf(present());
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  // `aria-keyshortcuts="a"` on a link or a button: in the row where one is, else on the page.
  const keyed = (key) => {
    const selector = `[aria-keyshortcuts~="${CSS.escape(key)}"]`;
    const row = present() ?? (rows().length ? null : document);
    return [...(row?.querySelectorAll(selector) ?? []), ...document.querySelectorAll(`main ${selector}`)]
      .filter((one) => visible(one) && (row?.contains(one) || !one.closest("[data-row]")))[0];
  };
  const describe = () => {
    const list = document.querySelector("[data-keys-here]"), seen = new Set();
    list.replaceChildren();
    for (const one of document.querySelectorAll("main [aria-keyshortcuts]")) {
      const key = one.getAttribute("aria-keyshortcuts");
      if (seen.has(key)) continue;
      seen.add(key);
      const line = document.createElement("div"), what = document.createElement("dt"), how = document.createElement("dd");
      const symbol = document.createElement("kbd");
      what.textContent = one.dataset.keyLabel || one.getAttribute("aria-label") || one.textContent.trim();
      symbol.textContent = key;
      how.append(symbol);
      line.append(what, how);
      list.append(line);
    }
  };
  const help = () => {
    describe();
    open(document.getElementById("keys"));
  };
  let began = 0;
  const go = (key) => document.querySelector(`.side [data-go="${CSS.escape(key)}"]`)?.click();

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open(document.getElementById("palette"));
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || (visible(event.target) && isTyping(event.target)) || document.querySelector("dialog[open]")) return;
    const key = event.key;
    if (Date.now() - began < 1000) {
      began = 0;
      go(key);
    } else if (key === "g") began = Date.now();
    else if (key === "j" || key === "ArrowDown" && present()) step(1), event.preventDefault();
    else if (key === "k" || key === "ArrowUp" && present()) step(-1), event.preventDefault();
    else if (key === "Enter" && event.target.matches("[data-row]")) event.target.querySelector("[data-open]")?.click();
    else if (key === "?") help();
    else if (key === "/") open(document.getElementById("palette")), event.preventDefault();
    else {
      const found = keyed(key);
      if (found) event.preventDefault(), found.matches("input, select, textarea") ? found.focus() : found.click();
    }
  });

  // ---------------------------------------------------------------- dialogs, menus, toasts
  document.addEventListener("click", (event) => {
    const target = event.target;
    if (target.closest("[data-close]")) (target.closest("dialog") ? target.closest("dialog").close() : target.closest("[data-toast]")?.remove());
    else if (target.matches("dialog")) target.close(); // beside it
    const key = target.closest("[data-keys]"), palette = target.closest("[data-palette]");
    if (key) key.closest("[popover]")?.hidePopover(), help();
    if (palette && !event.ctrlKey && !event.metaKey) event.preventDefault(), open(document.getElementById("palette"));
  });
  // Keys pressed after a dialog are not for a field inside it; by the time it is told, it may be open again.
  document.addEventListener("close", (event) => !event.target.open && event.target.contains(document.activeElement) && document.activeElement.blur(), true);
  // A row that was acted on goes away; whoever works by keys goes on with the one that took its place.
  let at = -1;
  document.addEventListener("htmx:before:swap", () => (at = present() ? rows().indexOf(present()) : -1));
  document.addEventListener("htmx:after:swap", (event) => {
    const dialog = document.getElementById("dialog");
    if (event.detail.ctx?.target === dialog && dialog.childElementCount) {
      open(dialog);
      const wrong = dialog.querySelector("[aria-invalid=true]");
      (wrong ?? dialog.querySelector("[autofocus], input:not([type=hidden]), select, textarea"))?.focus();
    } else if (at >= 0 && !present()) rows()[Math.min(at, rows().length - 1)]?.focus();
    fade();
  });
  const fade = () => {
    for (const toast of document.querySelectorAll("[data-toast]:not([data-fading])")) {
      toast.dataset.fading = "";
      const away = () => (toast.matches(":hover, :focus-within") ? setTimeout(away, 2000) : toast.remove());
      setTimeout(away, toast.querySelector("form") ? 12000 : 6000);
    }
  };
  fade();

  // ---------------------------------------------------------------- what went wrong
  // Over a dialog nothing else can be seen or heard: what goes wrong meanwhile is said in it.
  const tell = (toast) => {
    const dialog = document.querySelector("dialog[open]");
    if (dialog) toast.setAttribute("role", "alert"), dialog.querySelector("[data-toast]")?.remove();
    (dialog ?? document.getElementById("toasts")).append(toast);
    fade();
  };
  document.addEventListener("htmx:after:swap", () => {
    if (document.querySelector("dialog[open]")) for (const bad of document.querySelectorAll(".toasts > .toast.bad")) tell(bad);
  });
  const unsent = (source) => {
    // What renews itself does so again by and by.
    if (!source?.matches("[hx-trigger*='#live']")) tell(document.getElementById("unsent").content.firstElementChild.cloneNode(true));
  };
  document.addEventListener("htmx:error", ({ detail }) => detail.ctx && !detail.ctx.response && unsent(detail.ctx.sourceElement));
  // An error that does not come from us, as of a proxy while the server starts, is not to stand in the page.
  document.addEventListener("htmx:before:response", (event) => {
    const { response, sourceElement } = event.detail.ctx;
    const isOurs = ["hx-reswap", "hx-redirect"].some((name) => response.headers.has(name)) || /HX-Target/i.test(response.headers.get("vary"));
    if (response.status < 400 || isOurs) return;
    event.preventDefault();
    unsent(sourceElement);
  });

  // Whoever comes with words in the search goes on at their end.
  const search = document.querySelector("input[type=search][autofocus]");
  if (search?.value) search.setSelectionRange(search.value.length, search.value.length);

  // ---------------------------------------------------------------- live
  let connections = 0;
  const changed = () => document.getElementById("live")?.dispatchEvent(new Event("changed"));
  // Whoever was away for a while may have missed something.
  document.addEventListener("htmx:sse:after:connection", () => connections++ && changed());

  // ---------------------------------------------------------------- the palette
  document.addEventListener("alpine:init", () => {
    Alpine.data("palette", () => ({
      words: "",
      get isEmpty() {
        return this.words.trim() === "";
      },
      init() {
        this.$watch("words", (words) => {
          const wanted = words.trim().toLowerCase();
          for (const item of this.$root.querySelectorAll("[data-place]")) item.hidden = !item.dataset.place.includes(wanted);
        });
        this.$root.addEventListener("close", () => this.$root.open || (this.words = ""));
        this.$root.addEventListener("keydown", (event) => {
          // A search field would only empty itself.
          if (event.key === "Escape") event.preventDefault(), (this.words = ""), this.$root.close();
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          const all = [this.$root.querySelector("input"), ...this.$root.querySelectorAll("li > *")].filter(visible);
          const at = all.indexOf(document.activeElement);
          all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]?.focus();
        });
      },
      ask() {
        this.$root.querySelector("form").submit();
      },
    }));
  });
})();
