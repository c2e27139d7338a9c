// What the keys do. One list serves the keyboard and the page of help.

import { button, element } from "./dom.js";

const NAMES = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };

/**
 * Let keys act.
 *
 * @param {{keys: string[], label: string, run: () => void}[]} shortcuts
 * @param {() => void} onLeave Called for Escape in a field.
 */
export function listenToKeys(shortcuts, onLeave) {
  const byKey = new Map(shortcuts.flatMap((shortcut) => shortcut.keys.map((key) => [key, shortcut])));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
      return;
    }
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") {
        onLeave();
      }
      return;
    }
    // A button that has the focus is pressed by these.
    if (["Enter", " "].includes(event.key) && event.target.matches("button, summary, a")) {
      return;
    }
    const shortcut = byKey.get(event.key);
    if (shortcut) {
      event.preventDefault();
      shortcut.run();
    }
  });
}

/** Show what the keys do. */
export function showHelp(dialog, shortcuts) {
  const close = button("Close", () => dialog.close());
  const items = shortcuts.map(({ keys, label }) =>
    element(
      "div",
      {},
      element("dt", {}, ...keys.map((key) => element("kbd", {}, NAMES[key] ?? key))),
      element("dd", {}, label),
    ),
  );
  dialog.replaceChildren(element("h2", {}, "Keyboard"), element("dl", {}, ...items), close);
  dialog.showModal();
}
