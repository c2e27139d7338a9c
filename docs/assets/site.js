// What scrolls sideways can be reached and scrolled by keyboard in every browser.
const reach = () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset__table, .md-typeset p:has(> img)")) {
    if (box.scrollWidth > box.clientWidth && /auto|scroll/.test(getComputedStyle(box).overflowX)) {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }
};

addEventListener("load", reach);
addEventListener("resize", reach);

// The search is a shadow tree, which site.css does not reach. axe found the path of a result in it too pale.
const darken = new MutationObserver(() => {
  for (const box of document.querySelectorAll("body > div")) {
    if (box.shadowRoot) {
      const style = document.createElement("style");
      style.textContent = "a li { color: rgb(var(--color-foreground) / 70%); }";
      box.shadowRoot.append(style);
      darken.disconnect();
    }
  }
});

darken.observe(document.body, { childList: true });
