/* Figures that open large: by a click, a tap or a button. The drawing itself moves into the dialog and
   back, since a copy would have the same identifiers. Without this script figures stay as they are. */
"use strict";
{
  const dialog = document.createElement("dialog");
  dialog.className = "nc-large";
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  const body = document.createElement("div");
  body.className = "nc-large-body";
  body.tabIndex = 0;
  dialog.append(close, body);
  let home = null;

  function open(figure) {
    const drawing = figure.querySelector(".nc-drawing");
    home = figure;
    // Nothing on the page moves while the drawing is away.
    figure.style.minHeight = `${figure.getBoundingClientRect().height}px`;
    const caption = document.createElement("p");
    for (const part of figure.querySelectorAll(".caption-number, .caption-text"))
      caption.append(part.cloneNode(true), " ");
    dialog.setAttribute("aria-label", figure.querySelector(".caption-number").textContent);
    body.replaceChildren(drawing, caption);
    dialog.showModal();
  }
  dialog.addEventListener("close", () => {
    home.prepend(body.querySelector(".nc-drawing"));
    home.style.minHeight = "";
    body.replaceChildren();
  });
  // Outside of what it shows.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  document.body.append(dialog);
  for (const figure of document.querySelectorAll(".nc-figure")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "nc-enlarge";
    button.textContent = "Enlarge";
    button.setAttribute("aria-label", `Enlarge ${figure.querySelector(".caption-number").textContent}`);
    button.addEventListener("click", () => open(figure));
    figure.querySelector("figcaption p").append(" ", button);
    figure.querySelector(".nc-drawing").addEventListener("click", () => {
      if (!dialog.open) open(figure);
    });
  }
}
