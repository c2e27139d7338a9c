// Copying, and the word that it was done, or that something failed.

import { byId, element } from "./dom.js";

const SHOWN = 2500; // milliseconds
let timer = 0;

/** Copy a text and say what was copied. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyBySelection(text); // without https, or without leave
  }
  say(`${what} copied`);
}

/** Say something for a moment. */
export function say(message) {
  const toast = byId("toast");
  toast.textContent = message;
  clearTimeout(timer);
  timer = setTimeout(() => {
    toast.textContent = "";
  }, SHOWN);
}

/** Do something that talks to the sandbox, and say so if it fails. */
export async function attempt(action) {
  try {
    await action();
  } catch (error) {
    if (error.name !== "AbortError") {
      say(error.message);
    }
  }
}

function copyBySelection(text) {
  const area = element("textarea", { class: "unseen", readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
