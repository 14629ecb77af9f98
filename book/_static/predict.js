/* "Predict before you look": buttons of the choices. For as long as a reader wants to guess, the
   answer and the outputs that it names are covered; nclib.css has what covers them, on screens only.
   Without this script all stands open. */
"use strict";
{
  document.documentElement.classList.add("nc-predicts");

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const copied = (element) => [...element.cloneNode(true).childNodes];

  // What a reader has chosen on this page, by question: the number of the choice, or "shown".
  const KEY = `nclib.predict.${window.DOCUMENTATION_OPTIONS?.pagename ?? location.pathname}`;
  function read() {
    try {
      return Object(JSON.parse(localStorage.getItem(KEY)));
    } catch {
      return {};
    }
  }
  function write(id, chosen) {
    try {
      localStorage.setItem(KEY, JSON.stringify({ ...read(), [id]: chosen }));
    } catch {
      // Then it is forgotten with the page.
    }
  }

  function prepare(box) {
    const answer = box.nextElementSibling;
    const outputs = [...document.querySelectorAll(`.nc-covered.${box.id}`)];
    // Printouts are folded with their code: the cover takes the place of what stands open.
    const first = outputs.find((output) => !output.closest("details.nc-code"));
    const meanings = [...answer.querySelectorAll(":scope > .nc-meanings > li")];
    let chosen = null;

    const choices = [...box.querySelectorAll(":scope > .nc-choices > li")].map((item, number) =>
      make("button", { type: "button", onclick: () => choose(number) }, ...copied(item.querySelector("p") ?? item)),
    );
    const said = make("div", { className: "said" });
    said.setAttribute("role", "status");
    const other = make("button", {
      type: "button",
      className: "other",
      onclick: () => choose(chosen === null ? "shown" : null),
    });
    const group = make("fieldset", {}, make("legend", {}, "Your prediction"), ...choices);
    box.append(make("div", { className: "guess" }, group, said, other));

    // Where an output would be: what covers it, and how to take that away.
    const uncover = make("button", {
      type: "button",
      textContent: "Just show me",
      onclick: () => {
        choose("shown");
        // The button is gone with the cover: the focus goes to what it covered.
        first.tabIndex = -1;
        first.focus();
      },
    });
    const cover = make("p", { className: "nc-cover" }, "Covered until you have predicted. ", uncover);
    first?.before(cover);

    function show() {
      const open = chosen !== null;
      for (const part of [answer, ...outputs]) part.classList.toggle("open", open);
      answer.classList.toggle("chosen", chosen in meanings);
      cover.hidden = open;
      choices.forEach((button, number) => {
        button.setAttribute("aria-pressed", number === chosen);
      });
      said.replaceChildren();
      if (chosen in meanings) said.append(...copied(meanings[chosen]));
      else if (open) said.textContent = "The answer is below.";
      other.textContent = open ? "Guess again" : "Just show me";
    }
    function choose(what) {
      chosen = what;
      write(box.id, chosen);
      show();
    }

    const kept = read()[box.id];
    chosen = kept === "shown" || (Number.isInteger(kept) && kept in meanings) ? kept : null;
    show();
    // What was copied before its formulas were set is copied anew.
    window.addEventListener("load", async () => {
      await window.MathJax?.startup?.promise;
      show();
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const box of document.querySelectorAll(".nc-predict")) prepare(box);
  });
}
