/* Brings every explorable of the page to life: controls, chart, summary, downloads, and its state in
   the page's address. What they show was computed by nclib; nothing is computed here. */
"use strict";
{
  // A column is a list, or `of` with each value `each` times, over and over.
  const cell = (column, row) => (column.of ? column.of[Math.floor(row / column.each) % column.of.length] : column[row]);

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  function download(name, type, text) {
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  // In the site the address keeps every state. A notebook's address belongs to its frontend.
  const inSite = () => Boolean(document.querySelector("meta[name='docsearch:language'], .bd-content"));

  function keep(entries) {
    const query = new URLSearchParams(location.search);
    for (const [key, value] of entries) query.set(key, value);
    try { history.replaceState(null, "", `?${query}${location.hash}`); } catch { /* opened as a file: no address to keep */ }
  }

  async function mount(box) {
    box.dataset.mounted = "";
    const name = box.dataset.name;
    const { spec, rows, columns, sentences, said } = JSON.parse(box.querySelector("script").textContent);
    const table = Array.from({ length: rows }, (_, row) =>
      Object.fromEntries(Object.keys(columns).map((column) => [column, cell(columns[column], row)])));

    const wanted = new URLSearchParams(inSite() ? location.search : "");
    const sliders = spec.params.filter((param) => param.bind).map((param) => {
      const { options, labels, name: label } = param.bind;
      delete param.bind;
      const at = options.findIndex((option) => String(option) === wanted.get(`${name}.${param.name}`));
      param.value = at < 0 ? param.value : options[at];
      return { param, options, labels, label, at: options.indexOf(param.value) };
    });

    const summary = make("p", { className: "nc-summary" });
    const spoken = make("p", { className: "nc-spoken", ariaLive: "polite" });
    const summarise = () => {
      const state = sliders.reduce((index, { options, at }) => index * options.length + at, 0);
      summary.textContent = sentences[said[state]];
    };

    let view;
    function move(slider, at) {
      slider.at = at;
      view.signal(slider.param.name, slider.options[at]).run();
      summarise();
      if (inSite()) keep(sliders.map(({ param, options, at }) => [`${name}.${param.name}`, options[at]]));
    }
    const controls = sliders.map((slider) => {
      const output = make("output", { textContent: slider.labels[slider.at] });
      const numeric = slider.options.every((option) => typeof option === "number");
      const input = numeric
        ? make("input", { type: "range", min: 0, max: slider.options.length - 1 })
        : make("select", {}, ...slider.labels.map((label) => make("option", {}, label)));
      const show = () => {
        output.textContent = slider.labels[slider.at];
        input.setAttribute("aria-valuetext", slider.labels[slider.at]);
      };
      Object.assign(input, numeric ? { value: slider.at } : { selectedIndex: slider.at });
      input.name = slider.param.name;
      input.addEventListener("input", () => { move(slider, numeric ? Number(input.value) : input.selectedIndex); show(); });
      input.addEventListener("change", () => { spoken.textContent = summary.textContent; });
      if (numeric) show();
      return make("label", {}, make("span", {}, `${slider.label}: `, ...(numeric ? [output] : [])), input);
    });

    const buttons = [
      make("button", {
        type: "button", textContent: "Download picture (SVG)",
        onclick: async () => download(`${name}.svg`, "image/svg+xml", (await view.toSVG()).replaceAll("currentColor", "#1a1a1a")),
      }),
      make("button", {
        type: "button", textContent: "Download data (CSV)",
        onclick: () => download(`${name}.csv`, "text/csv", [Object.keys(columns), ...table.map(Object.values)].map((row) => `${row.join()}\n`).join("")),
      }),
    ];
    if (inSite() && navigator.clipboard) {
      buttons.push(make("button", {
        type: "button", textContent: "Copy link to this moment",
        onclick: async ({ target }) => {
          const link = new URL(location.href);
          for (const { param, options, at } of sliders) link.searchParams.set(`${name}.${param.name}`, options[at]);
          link.hash = box.id;
          await navigator.clipboard.writeText(link.href);
          target.textContent = "Link copied";
          setTimeout(() => { target.textContent = "Copy link to this moment"; }, 2000);
        },
      }));
    }

    const chart = make("div", { className: "nc-chart" });
    box.append(make("div", { className: "nc-live" },
      make("div", { className: "nc-controls" }, ...controls), chart, summary, spoken,
      make("div", { className: "nc-buttons" }, ...buttons)));
    summarise();
    spec.datasets = { table };
    ({ view } = await vegaEmbed(chart, spec, { mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false }));
    box.view = view;
    box.classList.add("nc-mounted");
  }

  const mountAll = () => document.querySelectorAll(".nc-explorable:not([data-mounted])").forEach(mount);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mountAll);
  else mountAll();
}
