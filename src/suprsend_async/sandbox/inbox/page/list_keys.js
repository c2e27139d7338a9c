// The keys that move through a list.

/** The shortcuts of a list; `noun` is what is in it. */
export const listKeys = (list, noun, { toNewest, openSelected }) => [
  { keys: ["j", "ArrowDown"], label: `next ${noun}`, run: () => list.move(1) },
  { keys: ["k", "ArrowUp"], label: `previous ${noun}`, run: () => list.move(-1) },
  { keys: ["PageDown"], label: "a page down", run: () => list.move(list.pageSize) },
  { keys: ["PageUp"], label: "a page up", run: () => list.move(-list.pageSize) },
  { keys: ["g", "Home"], label: `newest ${noun}`, run: toNewest },
  { keys: ["G", "End"], label: `oldest loaded ${noun}`, run: () => list.selectAt(-1) },
  { keys: ["Enter"], label: `open the ${noun}`, run: openSelected },
];
