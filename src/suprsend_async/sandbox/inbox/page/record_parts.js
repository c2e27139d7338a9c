// The parts of a record's detail: what is known of it, the preview of a message, what belongs to it, and its history.

import { listPart } from "./api.js";
import { button, element } from "./dom.js";
import { section } from "./exchange.js";
import { clock, count, dateAndClock, status } from "./format.js";
import { addressOf } from "./kinds.js";
import { replay } from "./record_actions.js";

const PAGE = 50; // records of a part at once

/** What is known, line by line. */
export function facts(known) {
  const items = known.map(({ name, value, at, link }) => {
    const text = at === null ? value : dateAndClock(Number(at));
    const shown = link === null ? text : element("a", { href: addressOf(link) }, text);
    return element("div", {}, element("dt", {}, name), element("dd", {}, shown));
  });
  return element("dl", { class: "facts" }, ...items);
}

/** The texts of a message, or of a template: as text, whatever markup is in them. */
export function preview(texts, title = "Preview") {
  if (texts.length === 0) {
    return [];
  }
  const items = texts.flatMap(({ name, text }) => [
    element("h4", {}, name),
    element("pre", { class: "preview", tabindex: "0", "aria-label": `${title}: ${name}` }, text),
  ]);
  return [section(title, ...items)];
}

/**
 * What belongs to a record, loaded page by page: `made` is the section, `refresh` takes the first page as it is now
 * if that is all that is shown and nothing else tells that it changed.
 */
export function part(kind, id, { name, title, total }, signal) {
  const list = element("ol", { class: "rows" });
  const word = element("p", { class: "none" }, "loading");
  const heading = total === null ? title : `${title} (${count(Number(total))})`;
  const made = section(heading, list, word);
  made.dataset.part = name;
  let told = "";
  load(null);
  return { made, refresh };

  async function refresh() {
    if (total !== null || told === "" || list.children.length > PAGE) {
      return;
    }
    const page = await listPart(kind, id, name, { limit: PAGE, signal });
    if (JSON.stringify(page) !== told) {
      list.replaceChildren();
      show(page);
    }
  }

  function show(page) {
    told = JSON.stringify(page);
    list.append(...page.records.map(row));
    word.replaceChildren(
      page.next_cursor !== null
        ? button("More", () => load(page.next_cursor))
        : list.children.length
          ? ""
          : "None.",
    );
  }

  async function load(cursor) {
    try {
      show(await listPart(kind, id, name, { cursor, limit: PAGE, signal }));
    } catch (error) {
      word.textContent = error.name === "AbortError" ? "" : error.message;
    }
  }
}

function row({ key, link, name, status: state, tone, who, about }) {
  return element(
    "li",
    { "data-verdict": tone },
    link === null ? element("span", { class: "name" }, name) : element("a", { href: addressOf(link) }, name),
    state === null ? null : element("span", { class: "verdict" }, state),
    element("span", { class: "who" }, who),
    element("span", { class: "about" }, about),
    link?.kind === "webhooks" ? replay(key) : null,
  );
}

/** What became of a record, newest first. */
export function history(changes) {
  if (changes.length === 0) {
    return [];
  }
  const items = changes.map((change) =>
    element(
      "li",
      { "data-verdict": change.what === "repeated" ? "repeated" : "" },
      element("span", { class: "when", title: dateAndClock(Number(change.at)) }, clock(Number(change.at))),
      element("span", { class: "what" }, [change.what, change.where].filter(Boolean).join(" ")),
      asker(change),
      element("ul", { class: "differences" }, ...change.differences.map(difference)),
    ),
  );
  return [section(`History (${count(changes.length)})`, element("ol", { class: "changes" }, ...items))];
}

function asker({ request_id: id, request, status_code: code }) {
  return id === null
    ? element("span", { class: "none" }, "by no request")
    : element("a", { href: addressOf({ kind: "requests", id }) }, `${request} · ${status(Number(code))}`);
}

function difference({ name, before, after }) {
  return element(
    "li",
    {},
    element("span", { class: "key" }, name),
    ...(before === null ? [] : [element("del", {}, written(before)), " → "]),
    element("ins", {}, written(after)),
  );
}

const written = (value) => (value !== null && typeof value === "object" && "source" in value ? String(value) : JSON.stringify(value));
