{
  const root = document.documentElement;

  // Paper is white: print the light page, whatever the reader's screen shows.
  let theme;
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    root.dataset.theme = theme;
  });

  // A page that was opened as a file may not fetch others: search lists them without excerpts.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  // A formula wider than the screen scrolls in its own box: let the keyboard reach it there.
  const reachable = () => {
    for (const formula of document.querySelectorAll("mjx-container[display]")) {
      if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
    }
  };
  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    reachable();
    addEventListener("resize", reachable);
  });
}
