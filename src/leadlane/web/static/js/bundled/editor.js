// The editor of policies and scenarios: in the place of a textarea, whose value it keeps. Bundled by `make assets`.
import { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { suggestions } from "./suggestions.js";

const PAUSE = 450;

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.content], color: "var(--ink)" },
  { tag: [tags.comment], color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--warn)" },
  { tag: [tags.punctuation, tags.separator, tags.bracket, tags.squareBracket, tags.brace], color: "var(--soft)" },
]);
const look = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--card)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)", padding: "10px 0" },
  ".cm-gutters": { backgroundColor: "var(--card)", color: "var(--soft)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--hover) 60%, transparent)" },
  ".cm-selectionMatch": { backgroundColor: "var(--accent-soft)" },
  ".cm-tooltip, .cm-panels": { backgroundColor: "var(--raised)", color: "var(--ink)", border: "1px solid var(--line-strong)", borderRadius: "var(--radius)" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-completionDetail": { color: "inherit", fontStyle: "normal", opacity: ".75", fontFamily: "var(--font)" },
  ".cm-completionInfo": { maxWidth: "22rem", padding: "6px 10px", fontFamily: "var(--font)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-panels input, .cm-panels button": { font: "inherit", color: "inherit", background: "var(--card)", border: "1px solid var(--edge)", borderRadius: "4px" },
});

function open(form) {
  const textarea = form.querySelector("textarea");
  const host = document.createElement("div");
  host.className = "editor-host";
  textarea.after(host);
  // In a shadow its styles are adopted sheets, which the policy of the page lets be.
  const root = host.attachShadow({ mode: "open" });
  const label = form.querySelector(`label[for="${textarea.id}"]`)?.textContent.trim() ?? "";
  const state = EditorState.create({
    doc: textarea.value,
    extensions: [
      lineNumbers(), lintGutter(), history(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(),
      yaml(), indentUnit.of("  "), syntaxHighlighting(colours), look,
      autocompletion({ override: [suggestions(form.dataset.words)], icons: false }),
      keymap.of([...completionKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap]),
      EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
      EditorView.updateListener.of((update) => update.docChanged && changed(form, textarea, update.state)),
    ],
  });
  const view = new EditorView({ state, root, parent: root });
  textarea.hidden = true;
  // What is typed here is typed: the keys of the page are not meant, but for the one that finds.
  root.addEventListener("keydown", (event) => {
    if (!((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k")) event.stopPropagation();
  });
  return view;
}

// ---------------------------------------------------------------- kept and checked as one types

let waiting, isAsked = false, isKept = true;

function changed(form, textarea, state) {
  textarea.value = state.doc.toString();
  if (!form.hasAttribute("hx-post")) return;
  isKept = false;
  clearTimeout(waiting);
  waiting = setTimeout(() => keep(form), PAUSE);
}

function keep(form) {
  // One at a time: each says which edition it has seen. What was typed meanwhile is sent when that is back.
  if (isAsked) return;
  isAsked = isKept = true;
  form.dispatchEvent(new CustomEvent("keep", { bubbles: true }));
}

function answered(form) {
  if (!isAsked) return;
  isAsked = false;
  if (!isKept) keep(form);
}

function told(view) {
  const said = document.querySelector("[data-problems]");
  if (!said) return;
  const doc = view.state.doc;
  const found = JSON.parse(said.dataset.problems).map((one) => {
    const line = doc.line(Math.min(Math.max(one.line, 1), doc.lines));
    const from = Math.min(line.from + Math.max(one.column - 1, 0), line.to);
    const word = /^[\w.@%-]+|^\S/.exec(doc.sliceString(from, line.to));
    return { from, to: from + (word ? word[0].length : 0), severity: one.severity, message: one.message };
  });
  view.dispatch(setDiagnostics(view.state, found));
}

function jump(view, line, column) {
  const doc = view.state.doc;
  const there = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const anchor = Math.min(there.from + Math.max(column - 1, 0), there.to);
  view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
  view.focus();
}

const form = document.querySelector("form[data-editor]");
if (form) {
  const textarea = form.querySelector("textarea"), key = `typed ${form.dataset.by} ${form.action}`;
  const view = open(form);
  told(view);
  // Where the session ended, what was typed waits for whoever signs in again as the same; with the edition
  // that it changes, so that it overwrites nothing that came meanwhile.
  document.addEventListener("htmx:before:response", ({ detail: { ctx } }) => {
    const typed = { text: textarea.value, edition: form.elements.edition?.value };
    if (ctx.sourceElement === form && ctx.response.status === 401) sessionStorage.setItem(key, JSON.stringify(typed));
  });
  const typed = JSON.parse(sessionStorage.getItem(key));
  sessionStorage.removeItem(key);
  if (typed) {
    form.elements.edition.value = typed.edition;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: typed.text } });
  }
  document.addEventListener("htmx:after:swap", () => told(view));
  document.addEventListener("htmx:finally:request", () => answered(form));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]");
    if (!link) return;
    event.preventDefault();
    jump(view, Number(link.dataset.line), Number(link.dataset.column));
  });
  // Whoever leaves in mid-word leaves nothing behind.
  addEventListener("pagehide", () => isKept || navigator.sendBeacon(form.action, new FormData(form)));
}
