/* The form on the landing page: the reader's own counts and script, and which class is lost first. The
   mathematics is in theory.js, and works in a worker. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("your-counts");
  if (!form) return;
  const { html, svg, logScale, plain, download, asFile } = Drawing;
  const NC = theory();
  const field = form.elements;
  const part = (name) => form.querySelector(`.${name}`);
  const NAMES = ["counts", "loss", "decay", "batch", "depth", "bias", "balance", "low", "high"];
  const start = Object.fromEntries(NAMES.map((name) => [name, field[name].value]));
  let reading = null,
    shown = null,
    spoken = false;

  // ---------------------------------------------------------------- the work, elsewhere

  /* One question at a time: a newer one takes the place of an older. A worker is made of the theory's own
     source, since a page that was opened as a file may not load one; where there are none the page works
     in slices. */
  function office(tell) {
    let worker = null,
      number = 0,
      url = null;
    const source = `const NC = (${theory})();
      onmessage = ({ data: { number, name, values } }) => {
        try {
          const steps = NC[name](...values);
          for (;;) {
            const { value, done } = steps.next();
            if (done || value) postMessage({ number, value, done });
            if (done) return;
          }
        } catch (error) { postMessage({ number, error: error.message, done: true }); }
      };`;
    const fresh = () => {
      url ??= URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      const made = new Worker(url);
      made.onmessage = ({ data }) => {
        if (data.number !== number) return;
        made.idle = data.done;
        tell(data);
      };
      return made;
    };
    function inSlices(mine, name, values) {
      let steps;
      const slice = () => {
        if (mine !== number) return;
        try {
          steps ??= NC[name](...values);
          for (const end = performance.now() + 12; performance.now() < end; ) {
            const { value, done } = steps.next();
            if (done || value) tell({ value, done });
            if (done) return;
          }
          setTimeout(slice, 0);
        } catch (error) {
          tell({ error: error.message, done: true });
        }
      };
      setTimeout(slice, 0);
    }
    return (name, ...values) => {
      number++; // whatever was asked before is no longer asked
      if (!name) return;
      try {
        if (worker && !worker.idle) {
          worker.terminate();
          worker = null;
        }
        worker ??= fresh();
        worker.idle = false;
        worker.postMessage({ number, name, values });
      } catch {
        inSlices(number, name, values);
      }
    };
  }
  const ask = office(({ value, error, done }) => {
    if (error) refuse(error);
    else show(value, done);
  });
  const compare = office(({ value, done }) => done && value && draw(value));

  // ---------------------------------------------------------------- what was asked

  const taken = () => {
    const values = Object.fromEntries(NAMES.map((name) => [name, field[name].value.trim()]));
    for (const name of ["decay", "batch", "depth", "low", "high"]) values[name] = Number(values[name] || NaN);
    return { ...values, n: reading.n };
  };
  const source = () => (field.preset.value ? field.preset.value : "counts.csv");

  function read() {
    const { other } = part("reading").dataset;
    part("note").textContent = "";
    part("other").hidden = true;
    try {
      let found = NC.read(field.counts.value);
      part("note").textContent = found.note ?? "";
      if (found.other) {
        part("other").hidden = false;
        part("other").textContent = other ? "Take the first reading again" : found.other.offer;
        if (other) found = found.other;
      }
      reading = found;
      const N = found.n.reduce((x, y) => x + y, 0),
        few = found.n.length <= 8;
      part("found").textContent =
        `Read: ${NC.number(found.n.length)} classes, ${NC.number(N)} samples${few ? ` (${found.n.map((x, k) => `${found.names ? `${found.names[k]} ` : ""}${NC.number(x)}`).join(", ")})` : ""}.`;
      return true;
    } catch (error) {
      reading = null;
      part("found").textContent = "";
      refuse(error.message);
      return false;
    }
  }

  let timer;
  function changed() {
    clearTimeout(timer);
    part("with-batch").hidden = field.loss.value !== "mse-sum";
    if (!read()) return;
    // Typing comes in bursts.
    part("verdict").classList.add("stale");
    timer = setTimeout(() => ask("answer", taken()), 120);
    part("command").textContent = NC.command(taken(), source());
  }
  function refuse(message) {
    ask(null);
    shown = null;
    part("verdict").replaceChildren(...rich(message));
    part("verdict").classList.remove("stale");
    part("verdict").classList.add("refused");
    for (const name of ["picture", "rows", "help"]) part(name).replaceChildren();
    part("results").hidden = true;
    if (spoken) part("spoken").textContent = message;
    form.dataset.state = "refused";
  }

  // ---------------------------------------------------------------- the answer

  /* Text with its subscripts set as such. */
  const rich = (text) =>
    text.split(/(λ_[HW])/).map((part) => (/^λ_/.test(part) ? html("span", {}, "λ", html("sub", {}, part[2])) : part));
  const classes = (row) => {
    const named = reading.names
      ? row.classes.map((k) => reading.names[k]).join(", ")
      : `class${row.size > 1 ? "es" : ""} ${row.classes.map((k) => k + 1).join(", ")}`;
    return `${named}${row.size > 3 ? ` and ${NC.number(row.size - 3)} more` : ""}`;
  };
  const withCount = (row) => `${classes(row)} (${NC.number(row.count)} samples${row.size > 1 ? " each" : ""})`;
  function names(rows) {
    const more = rows.length > 3 ? ` and ${NC.number(rows.length - 3)} more` : "";
    return rows.slice(0, 3).map(withCount).join(", ") + more;
  }
  const times = (factor) =>
    factor >= 1
      ? `all penalties may grow ${NC.factorText(factor)}-fold until then`
      : `it is lost already, and would not be with all penalties times ${NC.factorText(factor)}`;

  function show(found, done) {
    if (!done) {
      // The verdict comes first; the picture takes longer with very many counts.
      part("verdict").replaceChildren(...rich(`The first class is lost at Nλ_H = ${plain(found.first)}.`));
      return;
    }
    shown = found;
    const { lost, margins, low, high, first } = found,
      one = low === high;
    const many = lost.length > 1 || lost[0].size > 1;
    const verb = many ? "They are" : "It is";
    const where =
      first <= low
        ? `${verb} lost over your whole band`
        : first > high
          ? `${verb} right over your whole band`
          : `${verb} lost from Nλ_H = ${plain(first)} on`;
    const verdict = one
      ? [
          `${first <= low ? "Lost first, and lost now" : "Lost first"}: `,
          html("strong", {}, names(lost)),
          `. At this strength ${times(margins[0])}.`,
        ]
      : [
          "Lost first: ",
          html("strong", {}, names(lost)),
          ...rich(`. ${where}. At Nλ_H = ${plain(low)} ${times(margins[0])}; at ${plain(high)} ${times(margins[1])}.`),
        ];
    part("verdict").replaceChildren(...verdict);
    part("verdict").classList.remove("stale", "refused");
    part("results").hidden = false;
    part("help").replaceChildren(...advice(found).map((text) => html("li", {}, ...rich(text))));
    part("rows").replaceChildren(
      ...found.rows
        .slice(0, 50)
        .map((row) =>
          html(
            "tr",
            {},
            html("th", { scope: "row" }, classes(row)),
            ...[NC.number(row.count), far(row.lost), far(row.merges), fate(row, low), fate(row, high)].map((text) =>
              html("td", {}, text),
            ),
          ),
        ),
    );
    part("more").textContent =
      found.rows.length > 50 ? `The ${NC.number(found.rows.length - 50)} other counts are in the file.` : "";
    draw(null);
    if (field.layers.checked) compareDepths();
    if (spoken) part("spoken").textContent = part("verdict").textContent;
    form.dataset.state = "shown";
  }
  const far = (place) => (place === Infinity ? "never" : place > 0 ? plain(place) : "always");
  const fate = (row, at) => (row.lost > at ? "right" : row.merges > at ? "wrong" : "merged");

  function advice({ margins, lambda_W, factor, K, closed }) {
    const form = taken(),
      margin = margins[1],
      power = (form.depth + 1) / form.depth;
    const decay = form.decay * (margin / 2) ** power;
    // What the bias is made of moves with its decay: then it is no power.
    const two = form.bias === "decayed" ? "about 2" : "2";
    const lines = [
      margin >= 2
        ? `You have room: with a weight decay of ${plain(decay)} every class would still be right with a factor of ${two} to spare, over the whole band.`
        : `A weight decay of ${plain(decay)} leaves a factor of ${two} to spare, over the whole band.`,
    ];
    const uneven = shown.rows.length > 1;
    if (form.loss === "mse" && closed && margin < 2)
      lines.push(
        `Or sum the squared error over the classes instead of taking their mean: then λ_W is ${K} times smaller, and the factor grows from ${NC.factorText(margin)} to ${NC.factorText(margin * K ** (1 / power))}.`,
      );
    // With N/K samples of each class in an epoch all inner modes die at the same place.
    if (form.balance === "none" && form.depth === 1 && uneven)
      lines.push(
        `A balanced sampler treats all classes alike: they would be lost together, at Nλ_H = ${plain(1 / K / lambda_W)}.`,
      );
    lines.push(
      `More data of every class at once does not help by itself: N acts as λ_H does. Divide λ_H by as much as N grows.`,
    );
    lines.push(
      factor === 1
        ? `In the theory's numbers λ_W is the weight decay itself, ${plain(lambda_W, 4)}.`
        : `In the theory's numbers λ_W is ${plain(lambda_W, 4)}: this loss is ${plain(factor, 4)} times the paper's.`,
    );
    return lines;
  }

  // ---------------------------------------------------------------- the picture

  const DEPTHS = [1, 3, 6];
  function compareDepths() {
    const asked = taken();
    compare("depths", asked, DEPTHS);
  }
  function draw(depths) {
    const { rows, low, high, lost } = shown,
      few = rows.length <= 24;
    const width = Math.max(Math.min(part("picture").clientWidth || 640, 900), 280),
      narrow = width < 480;
    const step = few ? 26 : Math.max(360 / rows.length, 2),
      left = few ? (narrow ? 96 : 168) : 60;
    const finite = rows.map((row) => row.lost).filter((x) => x > 0 && x < Infinity);
    const from = Math.max(Math.min(low / 1.5, lost[0].lost / 3), low / 1e3);
    const to = Math.min(Math.max(high * 1.5, Math.max(...finite) * 1.5), high * 1e4);
    const height = rows.length * step,
      x = logScale(from, to, left, width - 14);
    const inside = (place) => Math.min(Math.max(place, from), to);
    const parts = [
      svg("rect", { class: "band", x: x(low), y: 0, width: Math.max(x(high) - x(low), 2), height: height + 4 }),
    ];
    // Of very many rows only the outlines: a thousand elements would hold the page up.
    if (!few) {
      const strip = (x1, x2, y, tall) =>
        `M${x1.toFixed(1)},${y.toFixed(1)}H${x2.toFixed(1)}v${tall.toFixed(2)}H${x1.toFixed(1)}Z`;
      const ends = rows.map((row) => [x(inside(row.lost)), x(inside(Math.max(row.merges, row.lost)))]);
      parts.push(
        svg("path", { class: "many right", d: ends.map(([end], r) => strip(left, end, r * step, step)).join("") }),
        svg("path", {
          class: "many wrong",
          d: ends.map(([end, merged], r) => (merged > end ? strip(end, merged, r * step, step / 3) : "")).join(""),
        }),
        ...[
          [0, 12],
          [rows.length - 1, height],
        ].map(([r, y]) => svg("text", { x: left - 6, y, "text-anchor": "end" }, NC.number(rows[r].count))),
      );
    }
    rows.slice(0, few ? rows.length : 0).forEach((row, r) => {
      const y = r * step,
        bar = step - 8,
        end = x(inside(row.lost)),
        merged = x(inside(Math.max(row.merges, row.lost)));
      const text = `${classes(row)}, ${NC.number(row.count)} samples: lost from Nλ_H = ${far(row.lost)} on, merged with others from ${far(row.merges)} on`;
      const drawn = svg(
        "g",
        { class: "nc-row", tabindex: 0, role: "img", "aria-label": text },
        svg("title", {}, text),
        svg("rect", { class: "hit", x: 0, y, width, height: step }),
        svg("rect", { class: "right", x: left, y: y + (step - bar) / 2, width: Math.max(end - left, 0), height: bar }),
        svg("rect", {
          class: "wrong",
          x: end,
          y: y + step / 2 - Math.min(bar, 4) / 2,
          width: Math.max(merged - end, 0),
          height: Math.min(bar, 4),
        }),
      );
      if (row.lost < to && row.lost > from)
        drawn.append(svg("path", { class: "cross", d: `M${end - 5},${y + step / 2 - 5}l10,10m0,-10l-10,10` }));
      const label = `${reading.names ? reading.names[row.classes[0]] : row.size > 1 ? `${NC.number(row.size)} classes` : `class ${row.classes[0] + 1}`}`;
      const letters = narrow ? 8 : 16,
        cut = label.length > letters ? `${label.slice(0, letters - 1)}…` : label;
      drawn.append(
        svg("text", { x: left - 8, y: y + step / 2 + 4.5, "text-anchor": "end" }, `${cut} ${NC.number(row.count)}`),
      );
      parts.push(drawn);
    });
    for (const [k, { depth, lost: places }] of (depths ?? []).entries())
      rows.forEach((_row, r) => {
        const place = places[r],
          y = r * step + step / 2,
          at = x(inside(place));
        if (place > from && place < to)
          parts.push(
            svg(
              "path",
              {
                class: `depth depth-${depth}`,
                d: [
                  `M${at - 4},${y}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0`,
                  `M${at - 4},${y - 4}h8v8h-8z`,
                  `M${at},${y - 5}l5,5l-5,5l-5,-5z`,
                ][k],
              },
              svg("title", {}, `${depth} layers: lost at ${plain(place)}`),
            ),
          );
      });
    parts.push(svg("line", { class: "axis", x1: left, x2: width - 14, y1: height + 4, y2: height + 4 }));
    for (const tick of x.ticks())
      parts.push(
        svg(
          "text",
          { x: x(tick), y: height + 22, "text-anchor": "middle" },
          `${tick >= 1e-4 && tick < 1e5 ? tick : tick.toExponential(0).replace("+", "")}`,
        ),
      );
    parts.push(
      svg(
        "text",
        { x: (left + width) / 2, y: height + 42, "text-anchor": "middle" },
        "Nλ",
        svg("tspan", { dy: 4, "font-size": "75%" }, "H"),
        svg("tspan", { dy: -4 }, narrow ? "" : ": how strongly features are held back"),
      ),
    );
    part("picture").replaceChildren(
      svg(
        "svg",
        {
          viewBox: `0 0 ${width} ${height + 50}`,
          width,
          height: height + 50,
          role: "group",
          "aria-label": "From which Nλ_H on each class is lost",
        },
        ...parts,
      ),
    );
    part("legend").hidden = !depths;
  }

  // ---------------------------------------------------------------- the form

  const address = () => {
    const link = new URL(location);
    for (const name of NAMES) {
      if (field[name].value === start[name]) link.searchParams.delete(name);
      else link.searchParams.set(name, field[name].value);
    }
    return link;
  };
  let keeping;
  function keep() {
    clearTimeout(keeping);
    keeping = setTimeout(() => {
      try {
        history.replaceState(null, "", address());
      } catch {
        // Opened as a file: no address to keep.
      }
    }, 300);
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    spoken = true;
    if (target === field.layers) {
      if (target.checked && shown) compareDepths();
      else if (shown) draw(null);
      return;
    }
    if (target === field.preset)
      field.counts.value = target.selectedOptions[0].dataset.counts?.replaceAll("|", "\n") ?? field.counts.value;
    if (target === field.counts) field.preset.value = "";
    if (target === field.counts || target === field.preset) delete part("reading").dataset.other;
    changed();
    keep();
  });
  part("other").addEventListener("click", () => {
    if (part("reading").dataset.other) delete part("reading").dataset.other;
    else part("reading").dataset.other = "1";
    spoken = true;
    changed();
  });
  part("reset").addEventListener("click", () => {
    for (const name of NAMES) field[name].value = start[name];
    [field.preset.value, field.layers.checked] = ["", false];
    delete part("reading").dataset.other;
    changed();
    keep();
  });
  const table = () => {
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const byGroup = shown.group.map((g) => shown.rows[g]);
    const lines = shown.n.map((count, k) =>
      [quoted(reading.names ? reading.names[k] : `${k + 1}`), count, byGroup[k].lost, byGroup[k].merges].join(),
    );
    return `${["class,count,lost_at_N_lambda_H,merges_at_N_lambda_H", ...lines].join("\n")}\n`;
  };
  part("save-table").addEventListener("click", () => shown && download("classes.csv", "text/csv", table()));
  part("save-counts").addEventListener(
    "click",
    () =>
      reading &&
      download(
        "counts.csv",
        "text/csv",
        `class,count\n${reading.n.map((count, k) => `${JSON.stringify(reading.names ? reading.names[k] : `class ${k + 1}`)},${count}`).join("\n")}\n`,
      ),
  );
  part("save-picture").addEventListener(
    "click",
    () => shown && download("classes.svg", "image/svg+xml", asFile(part("picture").firstChild)),
  );
  part("copy").addEventListener("click", async ({ target }) => {
    const link = address();
    link.hash = form.id;
    await navigator.clipboard?.writeText(link.href);
    part("spoken").textContent = target.textContent = "Link copied";
    target.addEventListener(
      "blur",
      () => {
        target.textContent = "Copy link";
      },
      { once: true },
    );
  });
  let width = 0;
  new ResizeObserver(() => {
    const now = part("picture").clientWidth;
    if (shown && Math.abs(now - width) > 2) {
      draw(null);
      if (field.layers.checked) compareDepths();
    }
    width = now;
  }).observe(part("picture"));

  for (const [name, value] of new URLSearchParams(location.search)) if (NAMES.includes(name)) field[name].value = value;
  form.classList.add("live");
  part("verdict").textContent = "Computing…";
  changed();
});
