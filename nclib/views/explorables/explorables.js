/* Brings every explorable of the page to life: controls, chart, handles, readouts, summary, tools, and
   its state in the page's address. What they show was computed by nclib; nothing is computed here. */
"use strict";
{
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // Strokes in a square of 24.
  const ICONS = {
    play: "M8 5l11 7-11 7z",
    pause: "M9 5v14M15 5v14",
    reset: "M6 7a8 8 0 1 1-2 6M6 3v5h5",
    picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9v.1",
    moment: "M4 9h16v6H4zM9.3 9v6M14.7 9v6",
    data: "M4 5h16v14H4zM4 9.7h16M4 14.3h16M9.3 5v14M14.7 5v14",
    link: "M10 13a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 11a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1",
    done: "M5 13l5 5 9-11",
  };
  function tool(icon, label, onclick) {
    const button = make("button", { type: "button", onclick });
    button.become = (icon, label) => {
      // Written by this file alone.
      button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[icon]}"/></svg>`;
      button.setAttribute("aria-label", label);
    };
    button.become(icon, label);
    return button;
  }

  // λ_W has its W below the line.
  const subscripted = (text) => text.split(/_(\w)/).map((part, place) => (place % 2 ? make("sub", {}, part) : part));

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
    const { spec, rows, columns, sentences, said, handles, plays } = JSON.parse(
      box.querySelector("script").textContent,
    );
    const names = Object.keys(columns);
    const lists = names.map((name) => unpacked(columns[name], rows));
    const table = Array.from({ length: rows }, (_, row) =>
      Object.fromEntries(names.map((name, place) => [name, lists[place][row]])),
    );

    // The address of a notebook belongs to the program that shows it; the site's keeps all states. Where a
    // page says a state beside a picture, as slides do, that is where it begins.
    const inSite = !("notebook" in box.dataset);
    const key = (param) => `${box.dataset.name}.${param.name}`;
    const wanted = new URLSearchParams(box.dataset.state ?? (inSite ? location.search : ""));
    const position = (state, { param, options }) =>
      options.findIndex((option) => String(option) === state.get(key(param)));
    const sliders = spec.params
      .filter(({ bind }) => bind)
      .map((param) => {
        const { options, labels, name: label } = param.bind;
        delete param.bind;
        const asked = position(wanted, { param, options });
        const first = options.indexOf(param.value);
        const at = asked < 0 ? first : asked;
        param.value = options[at];
        return { param, options, labels, label, first, at };
      });
    function withState(address) {
      for (const { param, options, at } of sliders) address.searchParams.set(key(param), options[at]);
      return address.href;
    }
    // Whether a row belongs to the state; `free` sliders may be anywhere. What has no position has all.
    const holds = (row, free = []) =>
      sliders.every(
        ({ param: { name }, options, at }) => free.includes(name) || row[name] === options[at] || row[name] === null,
      );

    let view, later, playing;
    const summary = make("p", { className: "nc-summary" });
    const spoken = make("p", { className: "nc-spoken" });
    spoken.setAttribute("aria-live", "polite");
    const say = () => {
      spoken.textContent = summary.textContent;
    };
    function summarise() {
      summary.textContent = sentences[said[sliders.reduce((index, { options, at }) => index * options.length + at, 0)]];
    }
    // Sliders to positions, [slider, position] each, and the page after them.
    function move(...moves) {
      for (const [slider, at] of moves) {
        slider.at = at;
        slider.show();
        view.signal(slider.param.name, slider.options[at]);
      }
      view.run();
      summarise();
      bubble.hidden = true;
      place();
      clearTimeout(later);
      // Browsers refuse an address that changes at every step of a drag.
      if (inSite)
        later = setTimeout(() => {
          const address = new URL(location);
          withState(address);
          // At first the address says nothing, and after a reset nothing again.
          if (sliders.every(({ at, first }) => at === first))
            for (const { param } of sliders) address.searchParams.delete(key(param));
          try {
            history.replaceState(null, "", address);
          } catch {
            /* opened as a file: no address to keep */
          }
        }, 200);
    }
    // To a state as it stands in an address; what is not said there stays.
    box.goTo = (query) => {
      pause();
      const state = new URLSearchParams(query);
      move(...sliders.map((slider) => [slider, position(state, slider)]).filter(([, at]) => at >= 0));
      say();
    };
    function control(slider) {
      const list = slider.options.some((option) => typeof option === "string");
      const output = make("b"); // an output element would take the label for itself
      const input = list
        ? make("select", {}, ...slider.labels.map((label) => make("option", {}, label)))
        : make("input", { type: "range", min: 0, max: slider.options.length - 1 });
      const position = list ? "selectedIndex" : "value";
      slider.show = () => {
        input[position] = slider.at;
        output.textContent = slider.labels[slider.at];
        if (!list) input.setAttribute("aria-valuetext", output.textContent);
      };
      input.name = slider.param.name;
      input.dataset.lmSuppressShortcuts = ""; // JupyterLab would take the arrow keys for itself
      input.addEventListener("input", () => {
        pause();
        move([slider, Number(input[position])]);
      });
      input.addEventListener("change", say);
      slider.show();
      return make("label", {}, make("span", {}, ...subscripted(slider.label), ": ", ...(list ? [] : [output])), input);
    }

    const tools = [];
    function pause() {
      if (!playing) return;
      playing = clearInterval(playing);
      tools[0].become("play", "Play");
      say();
    }
    if (plays) {
      const slider = sliders.find(({ param }) => param.name === plays),
        last = slider.options.length - 1;
      tools.push(
        tool("play", "Play", () => {
          if (playing) return pause();
          // Where nothing may move by itself, its end at once.
          if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
            move([slider, last]);
            return say();
          }
          if (slider.at === last) move([slider, 0]);
          tools[0].become("pause", "Pause");
          playing = setInterval(
            () => {
              move([slider, slider.at + 1]);
              if (slider.at === last) pause();
            },
            Math.max(6000 / (last + 1), 80),
          );
        }),
      );
    }
    // A name may hold a comma.
    const cell = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    const save = (name, rows) => () => {
      const lines = [names, ...table.filter(rows).map((row) => names.map((name) => cell(row[name])))];
      download(`${name}.csv`, "text/csv", lines.map((line) => `${line.join()}\n`).join(""));
    };
    const name = box.dataset.name;
    tools.push(
      tool("reset", "Reset", () => {
        pause();
        move(...sliders.map((slider) => [slider, slider.first]));
        say();
      }),
      tool("picture", "Download picture (SVG)", async () => {
        const svg = await view.toSVG();
        download(`${name}.svg`, "image/svg+xml", svg.replaceAll("currentColor", "#1a1a1a"));
      }),
      tool(
        "moment",
        "Download data of this moment (CSV)",
        save(`${name}-moment`, (row) => holds(row)),
      ),
      tool(
        "data",
        "Download all data (CSV)",
        save(name, () => true),
      ),
    );
    if (inSite && navigator.clipboard) {
      const copy = tool("link", "Copy link to this moment", async () => {
        const address = new URL(location);
        address.hash = box.id;
        await navigator.clipboard.writeText(withState(address));
        spoken.textContent = "Link copied";
        copy.become("done", "Link copied");
      });
      copy.addEventListener("blur", () => copy.become("link", "Copy link to this moment"));
      tools.push(copy);
    }

    const chart = make("div", { className: "nc-chart" });
    const bubble = make("div", { className: "nc-bubble", hidden: true });
    const knobs = handles.map(() => make("span", { className: "nc-knob" }));
    const toolbar = make("div", { className: "nc-tools" }, ...tools);
    toolbar.setAttribute("role", "group");
    toolbar.setAttribute("aria-label", "Tools of the picture");
    const stage = make("div", { className: "nc-stage" }, chart, ...knobs, bubble);
    box.append(
      make(
        "div",
        { className: "nc-live" },
        make("div", { className: "nc-controls" }, ...sliders.map(control)),
        stage,
        summary,
        spoken,
        toolbar,
      ),
    );
    summarise();

    // Pixels of the screen in one of the picture: a slide may be scaled as a whole.
    const enlarged = () => stage.getBoundingClientRect().width / stage.offsetWidth || 1;

    // A readout beside a mark: where the pointer is, or which the arrow keys have come to.
    function tell(value, x, y) {
      bubble.hidden = false;
      bubble.replaceChildren(...Object.entries(value).map(([title, text]) => make("div", {}, `${title}: ${text}`)));
      const { left, top } = stage.getBoundingClientRect();
      const across = (x - left) / enlarged() - bubble.offsetWidth / 2;
      const place = Math.min(Math.max(across, 0), stage.offsetWidth - bubble.offsetWidth);
      const down = (y - top) / enlarged();
      const above = down - bubble.offsetHeight - 14;
      bubble.style.translate = `${place}px ${above < 0 ? down + 18 : above}px`;
    }
    let reading = 0;
    function marks() {
      const found = [];
      (function collect(item) {
        if (item.tooltip && item._svg) found.push(item);
        item.items?.forEach(collect);
      })(view.scenegraph().root);
      return found;
    }
    function read(step) {
      const found = marks();
      if (!found.length) return;
      reading = (reading + step + found.length) % found.length;
      const { left, top, width, height } = found[reading]._svg.getBoundingClientRect();
      tell(found[reading].tooltip, left + width / 2, top + height / 2);
      spoken.textContent = bubble.innerText;
    }

    // A handle stands where its row of this state is; dragged, it goes to the nearest row that it may be.
    const spot = ({ x, y, scale }, row) => [
      view.scale(scale)(row[x]),
      typeof y === "string" ? view.scale("y")(row[y]) : (y ?? 0),
    ];
    for (const handle of handles)
      handle.rows = table.filter((row) =>
        Object.entries(handle.where).every(([column, value]) => row[column] === value),
      );
    function origin() {
      const { left, top } = chart.querySelector("svg").getBoundingClientRect(),
        { left: x, top: y } = view.padding(),
        [right, down] = view.origin();
      return [left + (x + right) * enlarged(), top + (y + down) * enlarged()];
    }
    function place() {
      const [left, top] = origin(),
        corner = stage.getBoundingClientRect(),
        by = enlarged();
      handles.forEach((handle, k) => {
        const row = handle.rows.find((row) => holds(row)),
          [x, y] = spot(handle, row);
        // What is outside the picture can't be taken.
        knobs[k].hidden = x < -1 || x > view.width() + 1;
        knobs[k].style.translate = `${(left - corner.left) / by + x}px ${(top - corner.top) / by + y}px`;
        knobs[k].spot = [x, y];
      });
    }
    let held;
    const far = (handle, [x, y], { clientX, clientY }, [left, top]) =>
      Math.hypot((clientX - left) / enlarged() - x, handle.y === null ? 0 : (clientY - top) / enlarged() - y);
    function drag(event) {
      const at = origin();
      let best;
      for (const row of held.free) {
        const away = Math.round(far(held.handle, spot(held.handle, row), event, at));
        const moves = held.moved.map((slider) => [slider, slider.options.indexOf(row[slider.param.name])]);
        // Of several in one place the least change.
        const change = moves.reduce((sum, [slider, to]) => sum + Math.abs(to - slider.at), 0);
        if (!best || away < best.away || (away === best.away && change < best.change)) best = { away, change, moves };
      }
      if (best.change) move(...best.moves);
    }
    if (handles.length) {
      stage.classList.add("nc-drags");
      stage.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        pause();
        const at = origin(),
          away = handles.map((handle, k) => far(handle, knobs[k].spot, event, at));
        const handle = handles[away.indexOf(Math.min(...away))];
        held = {
          handle,
          moved: sliders.filter(({ param }) => handle.moves.includes(param.name)),
          free: handle.rows.filter((row) => holds(row, handle.moves)),
        };
        stage.setPointerCapture(event.pointerId);
        drag(event);
      });
      stage.addEventListener("pointermove", (event) => held && drag(event));
      stage.addEventListener("lostpointercapture", () => {
        held = null;
        say();
      });
    }

    spec.datasets = { table };
    const options = {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      defaultStyle: false,
      tooltip: (_handler, { clientX, clientY }, _item, value) => {
        if (value && !held) tell(value, clientX, clientY);
        else bubble.hidden = true;
      },
    };
    ({ view } = await vegaEmbed(chart, spec, options));
    box.view = view;
    box.classList.add("nc-mounted");
    if (marks().length) {
      chart.tabIndex = 0;
      chart.dataset.lmSuppressShortcuts = "";
      chart.setAttribute("role", "group");
      chart.setAttribute("aria-label", "Marks of the picture, one by one with the arrow keys");
      chart.addEventListener("focus", () => chart.matches(":focus-visible") && read(0));
      chart.addEventListener("blur", () => {
        bubble.hidden = true;
      });
      chart.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        read(step);
      });
    }
    place();
    // Vega measures when the window changes; the page may find its width only after that.
    let width = chart.clientWidth;
    new ResizeObserver(async () => {
      if (chart.clientWidth === width) return;
      width = chart.clientWidth;
      await view.signal("width", width).resize().runAsync();
      place();
    }).observe(chart);
  }

  // Without Vega the pictures of the default states stay.
  const mountAll = () =>
    window.vegaEmbed && document.querySelectorAll(".nc-explorable:not([data-mounted])").forEach(mount);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mountAll);
  else mountAll();
}
