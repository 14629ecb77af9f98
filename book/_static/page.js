"use strict";
{
  const root = document.documentElement;

  // Paper is white: print the light page, whatever the reader's screen shows. And it opens nothing:
  // print what is folded, but for code.
  let theme;
  let folded = [];
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
    folded = [...document.querySelectorAll("article details:not([open], .nc-code, .nc-cite)")];
    for (const box of folded) box.open = true;
  });
  addEventListener("afterprint", () => {
    root.dataset.theme = theme;
    for (const box of folded) box.open = false;
  });

  // A page that was opened as a file may not fetch others: search lists them without excerpts.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  // What a reader has chosen, where the browser keeps it.
  const kept = {
    read(key) {
      try {
        return JSON.parse(localStorage.getItem(key));
      } catch {
        return null;
      }
    },
    write(key, value) {
      try {
        localStorage.setItem(key, JSON.stringify(value));
      } catch {
        // Then it is forgotten with the page.
      }
    },
  };

  // Code is folded. The switch in the top bar opens all of it, on every page; a cell that was opened
  // or shut by itself stays so until the switch is used again.
  function foldCode() {
    const cells = [...document.querySelectorAll("details.nc-code")];
    const bar = document.querySelector(".article-header-buttons");
    if (!cells.length || !bar) return;
    const atFirst = new Map(cells.map((cell) => [cell, cell.open]));
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn nc-code-switch";
    let all = kept.read("nclib.code.all") === true;
    let own = kept.read("nclib.code.cells") ?? {};
    function show() {
      button.textContent = all ? "Hide code" : "Show code";
      for (const cell of cells) cell.open = own[cell.dataset.key] ?? (all || atFirst.get(cell));
    }
    button.addEventListener("click", () => {
      all = !all;
      own = {};
      kept.write("nclib.code.all", all);
      kept.write("nclib.code.cells", own);
      show();
    });
    for (const cell of cells) {
      // It comes before the cell opens or shuts, and only from a reader.
      cell.querySelector("summary").addEventListener("click", () => {
        own = { ...kept.read("nclib.code.cells"), [cell.dataset.key]: !cell.open };
        kept.write("nclib.code.cells", own);
      });
    }
    bar.prepend(button);
    show();
  }
  document.addEventListener("DOMContentLoaded", foldCode);

  // An address may lead into a box that is shut: to an exercise, say.
  function openTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const box = target?.closest(".toggle-hidden");
    box?.querySelector(".toggle-button").click();
    if (box) target.scrollIntoView();
  }
  addEventListener("hashchange", openTarget);
  // The boxes are shut by a script that comes before this.
  addEventListener("load", openTarget);

  // What is wider than the screen scrolls in its own box: let the keyboard reach it there, and its edge
  // fade where more follows.
  const SCROLLS = "mjx-container[display], .pst-scrollable-table-container";
  const fade = ({ target: box }) =>
    box.classList.toggle("nc-more", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
  function scrolling() {
    // All are measured before one is changed: else each has the whole page laid out anew.
    const boxes = [...document.querySelectorAll(SCROLLS)];
    const wide = new Set(boxes.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1));
    for (const box of boxes) {
      if (!wide.has(box)) {
        box.classList.remove("nc-more");
        continue;
      }
      box.tabIndex = 0;
      fade({ target: box });
      box.addEventListener("scroll", fade, { passive: true });
    }
  }
  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    scrolling();
    addEventListener("resize", scrolling);
  });
}
