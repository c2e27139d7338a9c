// The way from one page to the others, and the search in all of them.

import { button, byId, element } from "./dom.js";
import { addressOfKind, KINDS, pageOf, sidesOf } from "./kinds.js";
import { SearchDialog } from "./search_dialog.js";

/**
 * Show the links to all pages.
 *
 * @param {HTMLElement} root
 * @param {string} current The page that this is.
 */
export function showPages(root, current) {
  const dialog = new SearchDialog(byId("everything"));
  const pages = [
    ["events", "/", "Events"],
    ...Object.entries(KINDS)
      .filter(([kind]) => pageOf(kind) === kind)
      .map(([kind, { title }]) => [kind, addressOfKind(kind), title]),
  ];
  root.append(
    element(
      "div",
      { class: "links" },
      ...pages.map(([name, address, title]) =>
        element("a", { href: address, "aria-current": name === pageOf(current) ? "page" : null }, title),
      ),
    ),
    button("Search all", () => dialog.open(), { class: "all", "aria-keyshortcuts": "s" }),
  );
  // On a phone the links scroll sideways.
  root.querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
  return { search: () => dialog.open() };
}

/** Show the links to the kinds that share this page, if there are several. */
export function showSides(root, current) {
  const sides = sidesOf(current);
  root.hidden = sides.length === 0;
  root.append(
    ...sides.map(([kind, label]) =>
      element("a", { href: addressOfKind(kind), "aria-current": kind === current ? "page" : null }, label),
    ),
  );
}
