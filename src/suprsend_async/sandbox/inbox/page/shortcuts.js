// What the keys do. One list serves the keyboard and the page of help.

import { button, element } from "./dom.js";

const TYPED_IN = "input:not([type=radio], [type=checkbox]), select, textarea";
const PRESSING = ["Enter", " "];
const SCROLLING = ["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"];
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
    if (event.target.matches(TYPED_IN)) {
      if (event.key === "Escape") {
        onLeave();
      }
      return;
    }
    // What has the focus is pressed, or chosen among its like, by these.
    if (PRESSING.includes(event.key) && event.target.matches("button, summary, a, input")) {
      return;
    }
    if (event.key.startsWith("Arrow") && event.target.matches("input[type=radio]")) {
      return;
    }
    if (SCROLLING.includes(event.key) && event.target.matches("pre") && overflows(event.target)) {
      return;
    }
    const shortcut = byKey.get(event.key);
    if (shortcut) {
      event.preventDefault();
      shortcut.run();
    }
  });
}

const overflows = (element) => element.scrollHeight > element.clientHeight || element.scrollWidth > element.clientWidth;

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

/** Give the focus back after a click on something that needs no keys, so that these go on where they were. */
export function keepFocus(area, onClicked) {
  // Whoever came by keyboard stays where he is; keys that choose make clicks as well.
  let byPointer = false;
  area.addEventListener("pointerdown", () => {
    byPointer = true;
  });
  area.addEventListener("keydown", () => {
    byPointer = false;
  });
  area.addEventListener("click", (event) => {
    if (byPointer && event.target.closest("button, label") && !event.target.matches(TYPED_IN)) {
      onClicked();
    }
  });
}
