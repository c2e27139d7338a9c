// The inbox: what happens when, and which part of the page is told.

import { clearEvents } from "./api.js";
import { attempt } from "./clipboard.js";
import { Counters } from "./counters.js";
import { Detail } from "./detail.js";
import { byId } from "./dom.js";
import { showNoMatch, showNothing, showWelcome } from "./empty.js";
import { Entries } from "./entries.js";
import { presentEntry } from "./event_row.js";
import { Faults } from "./faults.js";
import { Filters } from "./filters.js";
import { count, foundIn } from "./format.js";
import { RowList } from "./list.js";
import { listKeys } from "./list_keys.js";
import { listen } from "./news.js";
import { showPages } from "./pages.js";
import { keepFocus, listenToKeys, showHelp } from "./shortcuts.js";

const entries = new Entries();
const list = new RowList(byId("list"), entries, presentEntry, { onSelect: selected, onEnd: loadMore });
const detail = new Detail(byId("detail"), {
  onClose: closeDetail,
  onFilter: (name, value) => filters.add(name, value),
  onShow: (id) => showDetail(() => detail.show(id)),
  onBulk: (id) => showDetail(() => detail.showBulk(id)),
});
const filters = new Filters(byId("filters"), () => attempt(reload));
const faults = new Faults();
const counters = new Counters(byId("counters"), byId("connection"));

let latestId = 0; // the newest entry that the sandbox told of
let seenId = 0; // the newest entry that the list took into account
let following = false; // a look at what is new is under way
let isStale = false; // and something came since

const SHORTCUTS = [
  ...listKeys(list, "event", { toNewest: () => attempt(toNewest), openSelected }),
  { keys: ["Escape"], label: "close it", run: () => (faults.isOpen ? faults.toggle() : closeDetail()) },
  { keys: ["/"], label: "search in events", run: () => byId("search").select() },
  { keys: ["s"], label: "search in everything", run: () => pages.search() },
  { keys: ["b"], label: "each bulk as one", run: () => filters.toggleBulks() },
  { keys: ["c"], label: "copy as Python", run: () => detail.copyAsPython() },
  { keys: ["t"], label: "copy as test", run: () => detail.copyAsTest() },
  { keys: ["f"], label: "provoke a fault", run: () => faults.toggle() },
  { keys: ["?"], label: "this help", run: () => showHelp(byId("help"), SHORTCUTS) },
];

const pages = showPages(byId("pages"), "events");
const toList = () => byId("list").focus();
listenToKeys(SHORTCUTS, toList);
keepFocus(byId("filters"), toList);
byId("help-button").addEventListener("click", () => showHelp(byId("help"), SHORTCUTS));
byId("clear").addEventListener("click", () => {
  toList();
  attempt(clearEvents);
});
byId("news").addEventListener("click", () => {
  toList();
  attempt(toNewest);
});
byId("list").addEventListener("scroll", () => list.isAtTop && latestId > seenId && attempt(follow), { passive: true });
listen(newsCame, (state) => counters.showConnection(state));
attempt(reload);
openWanted();

/** Open what the address asks for, as a link from another page does. */
function openWanted() {
  const wanted = new URLSearchParams(location.search);
  if (wanted.has("event")) {
    showDetail(() => detail.show(Number(wanted.get("event"))));
  } else if (wanted.has("request")) {
    showDetail(() => detail.showBulk(Number(wanted.get("request"))));
  }
}

async function reload() {
  seenId = latestId;
  await entries.load(filters.values, filters.bulksAsOne);
  list.scrollToTop();
  show();
}

function newsCame({ latest_id: id, stats }) {
  const wasCleared = counters.showStats(stats);
  latestId = id;
  attempt(() => faults.refresh());
  if (wasCleared) {
    closeDetail();
    attempt(reload);
  } else if (list.isAtTop) {
    attempt(follow);
  } else {
    show();
  }
}

/** Put what is new at the top; however fast news come, one look at a time. */
async function follow() {
  isStale = true;
  if (following) {
    return;
  }
  following = true;
  try {
    while (isStale) {
      isStale = false;
      seenId = latestId;
      await entries.refresh();
      show();
    }
  } finally {
    following = false;
  }
}

async function toNewest() {
  await reload();
  list.selectAt(0);
}

async function loadMore() {
  await attempt(async () => {
    if (await entries.more()) {
      show();
    }
  });
}

function selected(row, opened) {
  if (opened || detail.isOpen) {
    open(row);
  }
}

function openSelected() {
  if (list.selectedIndex < 0) {
    list.move(0);
  }
  if (list.selected) {
    open(list.selected);
  }
}

function open(row) {
  showDetail(() => (row.bulk ? detail.showBulk(row.request_id) : detail.show(row.id)));
}

function showDetail(show) {
  document.body.classList.add("reading");
  return attempt(show);
}

function closeDetail() {
  if (detail.isOpen) {
    detail.close();
    document.body.classList.remove("reading");
    toList();
  }
}

/** Bring the page up to date with the entries. */
function show() {
  list.render();
  const isEmpty = entries.rows.length === 0;
  byId("show-all").hidden = !filters.areSet;
  byId("match-count").textContent = isEmpty ? "" : foundIn(entries);
  byId("news").hidden = latestId <= seenId;
  byId("news").textContent = filters.areSet ? "There may be new ones ↑" : `${count(latestId - seenId)} new ↑`;
  if (!isEmpty) {
    showNothing(byId("empty"));
  } else if (filters.areSet) {
    showNoMatch(byId("empty"), () => filters.reset());
  } else {
    attempt(() => showWelcome(byId("empty")));
  }
}
