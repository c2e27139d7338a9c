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
