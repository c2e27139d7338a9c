// A page of records of one kind: what happens when, and which part of the page is told.

import { attempt } from "./clipboard.js";
import { Counters } from "./counters.js";
import { byId } from "./dom.js";
import { showNoMatch, showNone, showNothing } from "./empty.js";
import { Filters } from "./filters.js";
import { counted } from "./format.js";
import { KINDS } from "./kinds.js";
import { RowList } from "./list.js";
import { listKeys } from "./list_keys.js";
import { listen } from "./news.js";
import { showPages, showSides } from "./pages.js";
import { RecordDetail } from "./record_detail.js";
import { presentRecord, RecordRows } from "./record_rows.js";
import { keepFocus, listenToKeys, showHelp } from "./shortcuts.js";

const kind = location.pathname.split("/").at(-1);
const { title, noun, columns, example } = KINDS[kind];

const records = new RecordRows(kind);
const list = new RowList(byId("list"), records, presentRecord, { onSelect: selected, onEnd: loadMore });
const detail = new RecordDetail(byId("detail"), kind, closeDetail);
const filters = new Filters(byId("filters"), () => attempt(reload));
const counters = new Counters(byId("counters"), byId("connection"));
const pages = showPages(byId("pages"), kind);
showSides(byId("sides"), kind);

let following = false; // a look at what is new is under way
let isStale = false; // and something came since

const SHORTCUTS = [
  ...listKeys(list, noun, { toNewest: () => attempt(toNewest), openSelected }),
  { keys: ["Escape"], label: "close it", run: closeDetail },
  { keys: ["/"], label: `search in ${title.toLowerCase()}`, run: () => byId("search").select() },
  { keys: ["s"], label: "search in everything", run: () => pages.search() },
  { keys: ["c"], label: "copy as Python", run: () => detail.copyAsPython() },
  { keys: ["t"], label: "copy as test", run: () => detail.copyAsTest() },
  { keys: ["?"], label: "this help", run: () => showHelp(byId("help"), SHORTCUTS) },
];

nameThings();
const toList = () => byId("list").focus();
listenToKeys(SHORTCUTS, toList);
keepFocus(byId("filters"), toList);
byId("help-button").addEventListener("click", () => showHelp(byId("help"), SHORTCUTS));
// A link to another record of this kind changes nothing but what is open, or what is searched for.
addEventListener("hashchange", () => {
  const before = filters.values.q;
  filters.read();
  if (filters.values.q !== before) {
    attempt(reload);
  }
  openWanted();
});
listen(newsCame, (state) => counters.showConnection(state));
attempt(reload);
openWanted();

/** Name the page and its columns; those without a name are left out. */
function nameThings() {
  document.title = `${title} · SuprSend sandbox`;
  byId("search").placeholder = `Search in ${title.toLowerCase()}`;
  byId("search").setAttribute("aria-label", `Search in ${title.toLowerCase()}`);
  byId("list").setAttribute("aria-label", `${title}, newest first`);
  byId("detail").setAttribute("aria-label", title);
  for (const name of ["status", "name", "who", "about"]) {
    byId(`column-${name}`).textContent = columns[name] ?? "";
    byId("list").classList.toggle(`no-${name}`, !columns[name]);
  }
}

async function reload() {
  await records.load(filters.values.q ?? "");
  list.scrollToTop();
  show();
}

/** News tell that something happened, not what: so look, one look at a time. */
async function newsCame({ stats }) {
  counters.showStats(stats);
  isStale = true;
  if (following) {
    return;
  }
  following = true;
  await attempt(async () => {
    while (isStale) {
      isStale = false;
      // Further down nothing moves; the newest come when the list is at its top again.
      if (list.isAtTop) {
        await records.refresh();
        show();
      }
      await detail.refresh();
    }
  });
  following = false;
}

async function toNewest() {
  await reload();
  list.selectAt(0);
}

async function loadMore() {
  await attempt(async () => {
    if (await records.more()) {
      show();
    }
  });
}

function selected(row, opened) {
  if (opened || detail.isOpen) {
    open(row.id);
  }
}

function openSelected() {
  if (list.selectedIndex < 0) {
    list.move(0);
  }
  if (list.selected) {
    open(list.selected.id);
  }
}

/** Open what the address asks for. */
function openWanted() {
  if (filters.open !== null) {
    list.selectedId = Number(filters.open);
    open(list.selectedId);
  }
}

function open(id) {
  document.body.classList.add("reading");
  filters.keepOpen(id);
  return attempt(() => detail.show(id));
}

function closeDetail() {
  if (detail.isOpen) {
    detail.close();
    filters.keepOpen(null);
    document.body.classList.remove("reading");
    toList();
  }
}

/** Bring the page up to date with the records. */
function show() {
  list.render();
  const isEmpty = records.rows.length === 0;
  byId("show-all").hidden = !filters.areSet;
  const number = records.total ?? records.rows.length;
  byId("match-count").textContent = isEmpty ? "" : `${counted(number, noun)}${records.total === null ? " or more" : ""}`;
  if (!isEmpty) {
    showNothing(byId("empty"));
  } else if (filters.areSet) {
    showNoMatch(byId("empty"), () => filters.reset(), noun);
  } else {
    showNone(byId("empty"), noun, example);
  }
}
