// The way from one page to the others, and the search in all of them.

import { button, byId, element } from "./dom.js";
import { KINDS } from "./kinds.js";
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
    ...Object.entries(KINDS).map(([kind, { title }]) => [kind, `/_sandbox/pages/${kind}`, title]),
  ];
  root.append(
    element(
      "div",
      { class: "links" },
      ...pages.map(([name, address, title]) =>
        element("a", { href: address, "aria-current": name === current ? "page" : null }, title),
      ),
    ),
    button("Search all", () => dialog.open(), { class: "all", "aria-keyshortcuts": "s" }),
  );
  // On a phone the links scroll sideways.
  root.querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
  return { search: () => dialog.open() };
}
