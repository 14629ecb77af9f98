/* Brings every explorable of the page to life: controls, chart, summary, downloads, and its state in
   the page's address. What they show was computed by nclib; nothing is computed here. */
"use strict";
{
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // A column is a list, or `of` with each value its number of `times` or `each` times, over and over.
  function unpacked(column, rows) {
    if (!column.of) return column;
    if (column.times) return column.of.flatMap((value, run) => Array(column.times[run]).fill(value));
    return Array.from({ length: rows }, (_, row) => column.of[Math.floor(row / column.each) % column.of.length]);
  }

  function download(name, type, text) {
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  async function mount(box) {
    box.dataset.mounted = "";
    const { spec, rows, columns, sentences, said } = JSON.parse(box.querySelector("script").textContent);
    const names = Object.keys(columns);
    const lists = names.map((name) => unpacked(columns[name], rows));
    const table = Array.from({ length: rows }, (_, row) =>
      Object.fromEntries(names.map((name, place) => [name, lists[place][row]])),
    );

    // The address of a notebook belongs to the program that shows it; the site's keeps all states.
    const inSite = !("notebook" in box.dataset);
    const key = (param) => `${box.dataset.name}.${param.name}`;
    const wanted = new URLSearchParams(inSite ? location.search : "");
    const sliders = spec.params
      .filter(({ bind }) => bind)
      .map((param) => {
        const { options, labels, name: label } = param.bind;
        delete param.bind;
        const asked = options.findIndex((option) => String(option) === wanted.get(key(param)));
        const at = asked < 0 ? options.indexOf(param.value) : asked;
        param.value = options[at];
        return { param, options, labels, label, at };
      });
    function withState(address) {
      for (const { param, options, at } of sliders) address.searchParams.set(key(param), options[at]);
      return address.href;
    }

    let view, later;
    const summary = make("p", { className: "nc-summary" });
    const spoken = make("p", { className: "nc-spoken" });
    spoken.setAttribute("aria-live", "polite");
    function summarise() {
      summary.textContent = sentences[said[sliders.reduce((index, { options, at }) => index * options.length + at, 0)]];
    }
    function control(slider) {
      const list = slider.options.some((option) => typeof option === "string");
      const output = make("b"); // an output element would take the label for itself
      const input = list
        ? make("select", {}, ...slider.labels.map((label) => make("option", {}, label)))
        : make("input", { type: "range", min: 0, max: slider.options.length - 1 });
      const position = list ? "selectedIndex" : "value";
      function show() {
        output.textContent = slider.labels[slider.at];
        if (!list) input.setAttribute("aria-valuetext", output.textContent);
      }
      input.name = slider.param.name;
      input.dataset.lmSuppressShortcuts = ""; // JupyterLab would take the arrow keys for itself
      input[position] = slider.at;
      input.addEventListener("input", () => {
        slider.at = Number(input[position]);
        view.signal(slider.param.name, slider.options[slider.at]).run();
        show();
        summarise();
        clearTimeout(later);
        // Browsers refuse an address that changes at every step of a drag.
        if (inSite)
          later = setTimeout(() => {
            try {
              history.replaceState(null, "", withState(new URL(location)));
            } catch {
              /* opened as a file: no address to keep */
            }
          }, 200);
      });
      input.addEventListener("change", () => {
        spoken.textContent = summary.textContent;
      });
      show();
      return make("label", {}, make("span", {}, `${slider.label}: `, ...(list ? [] : [output])), input);
    }
    const button = (textContent, onclick) => make("button", { type: "button", textContent, onclick });
    const buttons = [
      button("Download picture (SVG)", async () => {
        const svg = await view.toSVG();
        download(`${box.dataset.name}.svg`, "image/svg+xml", svg.replaceAll("currentColor", "#1a1a1a"));
      }),
      button("Download data (CSV)", () => {
        const lines = [names, ...table.map((row) => names.map((name) => row[name]))];
        download(`${box.dataset.name}.csv`, "text/csv", lines.map((line) => `${line.join()}\n`).join(""));
      }),
    ];
    if (inSite && navigator.clipboard) {
      buttons.push(
        button("Copy link to this moment", async ({ target }) => {
          const address = new URL(location);
          address.hash = box.id;
          await navigator.clipboard.writeText(withState(address));
          const label = target.textContent;
          spoken.textContent = target.textContent = "Link copied";
          target.addEventListener(
            "blur",
            () => {
              target.textContent = label;
            },
            { once: true },
          );
        }),
      );
    }

    const chart = make("div", { className: "nc-chart" });
    box.append(
      make(
        "div",
        { className: "nc-live" },
        make("div", { className: "nc-controls" }, ...sliders.map(control)),
        chart,
        summary,
        spoken,
        make("div", { className: "nc-buttons" }, ...buttons),
      ),
    );
    summarise();
    spec.datasets = { table };
    const options = { mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false };
    ({ view } = await vegaEmbed(chart, spec, options));
    box.view = view;
    box.classList.add("nc-mounted");
    // Vega measures when the window changes; the page may find its width only after that.
    let width = chart.clientWidth;
    new ResizeObserver(() => {
      if (chart.clientWidth === width) return;
      width = chart.clientWidth;
      view.signal("width", width).resize().runAsync();
    }).observe(chart);
  }

  // Without Vega the pictures of the default states stay.
  const mountAll = () =>
    window.vegaEmbed && document.querySelectorAll(".nc-explorable:not([data-mounted])").forEach(mount);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mountAll);
  else mountAll();
}
