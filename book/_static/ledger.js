/* The ledger of claims: which verdicts are shown, which words a claim must have, and in which order.
   Nothing is remembered. Without this script all rows stand there, in the order of the paper. */
"use strict";
{
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const tables = [...document.querySelectorAll("table.claims")];
  const claims = tables.flatMap((table) =>
    [...table.tBodies[0].rows].map((row) => ({
      row,
      home: table,
      words: row.textContent.toLowerCase(),
      verdict: [...row.classList].find((name) => name.startsWith("verdict-")),
      // How many instances were compared; fewer than none where nothing can be.
      instances: Number(row.cells[2].textContent.replaceAll(",", "").trim() || -1),
    })),
  );
  claims.forEach((claim, place) => {
    claim.place = place;
    if (Number.isNaN(claim.instances)) claim.instances = -1;
  });
  const verdicts = [...document.querySelectorAll(".claims-totals .verdict")].map((badge) => ({
    name: [...badge.classList].find((name) => name.startsWith("verdict-")),
    badge,
  }));
  const rank = new Map(verdicts.map(({ name }, place) => [name, place]));

  const ORDERS = {
    "as in the paper": null,
    "by verdict": (a, b) => rank.get(a.verdict) - rank.get(b.verdict),
    "most instances first": (a, b) => b.instances - a.instances,
    "fewest instances first": (a, b) => a.instances - b.instances,
  };

  // One table for all parts, in which they are sorted.
  const together = make("table", { className: "claims", hidden: true }, tables[0].tHead.cloneNode(true));
  const columns = tables[0].querySelector("colgroup");
  if (columns) together.prepend(columns.cloneNode(true));
  together.append(make("tbody", {}));
  const sections = [...new Set(tables.map((table) => table.closest("section")))];

  const buttons = verdicts.map(({ name, badge }) => {
    const button = make("button", { type: "button", className: "claims-choice" }, badge.cloneNode(true));
    button.dataset.verdict = name;
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      show();
    });
    return button;
  });
  const words = make("input", { type: "search", id: "claims-words", autocomplete: "off" });
  words.addEventListener("input", () => show());
  const order = make(
    "select",
    { id: "claims-order" },
    ...Object.keys(ORDERS).map((name) => make("option", { value: name }, name)),
  );
  order.addEventListener("change", () => {
    arrange();
    show();
  });
  const said = make("output", {});
  const all = make("button", { type: "button", className: "claims-all" }, "Show all");
  all.addEventListener("click", reset);

  function reset() {
    for (const button of buttons) button.setAttribute("aria-pressed", "true");
    words.value = "";
    order.value = "as in the paper";
    arrange();
    show();
  }

  function arrange() {
    const compare = ORDERS[order.value];
    const sorted = [...claims].sort((a, b) => (compare ? compare(a, b) : 0) || a.place - b.place);
    for (const { row, home } of sorted) (compare ? together : home).tBodies[0].append(row);
    together.hidden = !compare;
  }

  function show() {
    const pressed = buttons.filter((button) => button.getAttribute("aria-pressed") === "true");
    const wanted = new Set(pressed.map((button) => button.dataset.verdict));
    const parts = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const claim of claims) {
      claim.row.hidden = !wanted.has(claim.verdict) || !parts.every((part) => claim.words.includes(part));
      shown += !claim.row.hidden;
    }
    const filled = new Set(claims.filter(({ row }) => !row.hidden).map(({ row }) => row.closest("section")));
    for (const section of sections) section.hidden = !together.hidden || !filled.has(section);
    said.textContent = `${shown} of ${claims.length} claims`;
    all.disabled = shown === claims.length && together.hidden;
  }

  const controls = make(
    "form",
    { className: "claims-controls" },
    make("fieldset", {}, make("legend", {}, "Verdicts to show"), ...buttons),
    make("label", { htmlFor: "claims-words" }, "With the words ", words),
    make("label", { htmlFor: "claims-order" }, "Order ", order),
    all,
    said,
  );
  controls.addEventListener("submit", (event) => event.preventDefault());
  said.setAttribute("role", "status");
  sections[0].before(controls, together);
  show();

  // Whoever follows a link to a claim sees it.
  addEventListener("hashchange", () => {
    const claim = claims.find(({ row }) => row.id === location.hash.slice(1));
    if (!claim?.row.hidden) return;
    reset();
    claim.row.scrollIntoView();
  });
}
