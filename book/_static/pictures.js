/* The pictures of the landing page and of the five minutes that move under the reader's hand. What they
   show is computed by theory.js. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const { html, svg, scale, logScale, plain, still, draggable, play } = Drawing;
  const NC = theory();
  let ids = 0;

  /* A control with its label and its value; the picture and the keyboard set the same number. */
  function slider(label, steps, at, set) {
    const id = `nc-slider-${ids++}`,
      output = html("b");
    const input = html("input", { type: "range", id, min: 0, max: steps.length - 1, value: at });
    const show = () => {
      output.textContent = plain(steps[input.value]);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => {
      show();
      set(steps[input.value]);
    });
    show();
    return {
      node: html("label", { for: id }, html("span", {}, label, " ", output), input),
      value: () => steps[input.value],
      move(value) {
        input.value = steps.reduce(
          (best, step, k) => (Math.abs(Math.log(step / value)) < Math.abs(Math.log(steps[best] / value)) ? k : best),
          0,
        );
        show();
      },
    };
  }
  const geometric = (low, high, number) =>
    Array.from({ length: number }, (_, k) => low * (high / low) ** (k / (number - 1)));
  function choice(label, options, chosen, set) {
    const name = `nc-choice-${ids++}`;
    const inputs = options.map(([value, text]) => {
      const input = html("input", {
        type: "radio",
        name,
        value,
        checked: value === chosen,
        onchange: () => set(value),
      });
      return html("label", {}, input, html("span", {}, text));
    });
    return html("fieldset", { class: "choice" }, html("legend", {}, label), ...inputs);
  }

  const layers = (chosen, set) =>
    choice(
      "Layers",
      [
        [1, "1"],
        [3, "3"],
      ],
      chosen,
      set,
    );

  /* Which classes survive: a row for each, as high as the share of its answer that the optimum keeps. */
  function survival(box, { counts, names, depth: first }) {
    const low = 3e-4,
      high = 3e-2,
      lambdas = geometric(low, high, 121);
    let depth = first,
      lambda = lambdas[28];
    const N = counts.reduce((x, y) => x + y, 0),
      step = innerWidth < 576 ? 26 : 36,
      height = counts.length * step;
    const readout = html("p", { class: "readout" });
    const holder = html("div", { class: "stage" });
    const control = slider("every λ =", lambdas, 28, (value) => {
      lambda = value;
      stop();
      update();
    });
    let stop = () => {},
      x,
      kept,
      line,
      marks,
      picture;
    const share = (n, at) => NC.share({ n, N, L: depth, lambda: at });
    function make() {
      const width = Math.max(holder.clientWidth || 800, 300),
        left = width < 520 ? 92 : 150;
      x = logScale(low, high, left, width - 12);
      const rows = counts.map((n, k) => {
        const base = (k + 1) * step - 4,
          tall = step - 10,
          dies = NC.dies({ n, N, L: depth });
        const points = lambdas
          .filter((at) => at < dies)
          .map((at) => `${x(at).toFixed(1)},${(base - tall * share(n, at)).toFixed(1)}`);
        const edge = x(Math.min(dies, high)).toFixed(1);
        const last = (base - tall * share(n, Math.min(dies * (1 - 1e-7), high))).toFixed(1);
        return svg(
          "g",
          {},
          svg("line", { class: "base", x1: left, x2: width - 12, y1: base, y2: base }),
          svg("path", {
            class: `area depth-${depth}`,
            d: `M${left},${base}L${points.join("L")}${points.length ? "L" : ""}${edge},${last}L${edge},${base}Z`,
          }),
          svg(
            "text",
            { x: left - 8, y: base - 6, "text-anchor": "end" },
            names ? `${names[k]} ${NC.number(n)}` : NC.number(n),
          ),
        );
      });
      line = svg("line", { class: "lambda", y1: 0, y2: height });
      const knob = svg("circle", { class: "knob", cy: height, r: 9 });
      marks = counts.map(() => svg("path", { class: "mark" }));
      picture = svg(
        "svg",
        {
          viewBox: `0 0 ${width} ${height + 16}`,
          width,
          height: height + 16,
          role: "img",
          "aria-label":
            "A row for each class. Each is a band that ends where the class dies, the sooner the fewer samples it has.",
        },
        ...rows,
        line,
        knob,
        ...marks,
      );
      draggable(picture, (place) => {
        stop();
        lambda = Math.min(Math.max(x.back(place), low), high);
        control.move(lambda);
        update();
      });
      holder.replaceChildren(picture);
      update();
    }
    function update() {
      for (const name of ["x1", "x2"]) line.setAttribute(name, x(lambda));
      picture.querySelector(".knob").setAttribute("cx", x(lambda));
      kept = counts.map((n) => share(n, lambda));
      marks.forEach((mark, k) => {
        const at = x(lambda),
          base = (k + 1) * step - 4,
          y = base - (step - 10) * kept[k];
        mark.setAttribute("class", kept[k] ? "mark alive" : "mark cross");
        mark.setAttribute(
          "d",
          kept[k] ? `M${at - 4},${y}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0` : `M${at - 5},${base - 16}l10,10m0,-10l-10,10`,
        );
      });
      const alive = kept.filter((s) => s > 0).length,
        gone = counts.length - alive;
      const lost = counts.map((n, k) => (names ? names[k] : n)).filter((_, k) => !kept[k]);
      const setting = `λ = ${plain(lambda)}, ${depth === 1 ? "one layer" : `${depth} layers`}`;
      readout.textContent = gone
        ? `${setting}: ${alive} of ${counts.length} classes survive. Gone: ${lost.join(", ")}.`
        : `${setting}: all ${counts.length} survive; the rarest keeps ${Math.min(99, Math.round(100 * Math.min(...kept)))} % of its answer.`;
      box.dataset.alive = alive;
    }
    const button = html(
      "button",
      {
        type: "button",
        class: "play",
        onclick: () => {
          stop();
          if (still()) {
            [lambda] = [high];
            control.move(lambda);
            return update();
          }
          stop = play(7, (passed) => {
            lambda = low * (high / low) ** passed;
            control.move(lambda);
            update();
          });
        },
      },
      "▶ Raise λ",
    );
    box.append(
      holder,
      html(
        "div",
        { class: "controls" },
        control.node,
        layers(depth, (value) => {
          depth = value;
          make();
        }),
        button,
      ),
      readout,
    );
    make();
    return make;
  }

  /* The cost of one mode against what is put out, with a ball that lies in its lowest place. */
  function cost(box) {
    let depth = 3,
      price = 0.9,
      z = 0;
    const holder = html("div", { class: "stage" }),
      readout = html("p", { class: "readout" });
    const prices = geometric(0.2, 1.6, 71);
    price = prices[51];
    let stop = () => {};
    const control = slider("price (1: dead and alive cost alike):", prices, 51, (value) => {
      stop();
      price = value;
      settle();
      draw();
    });
    /* kappa = 1; at the price 1 dead and alive cost the same. */
    const tie = () => NC.tie(depth);
    const value = (x) => (1 - x) ** 2 + tie() * price * x ** (2 / (depth + 1));
    function settle() {
      const s = NC.shareAtPrice(price, depth);
      z = s;
    }
    let x, y, width;
    function draw() {
      width = Math.max(holder.clientWidth || 600, 280);
      const height = 240;
      x = scale(0, 1.15, 40, width - 12);
      y = scale(0, 1.7, height - 34, 10);
      const points = Array.from({ length: 240 }, (_, k) => 1.15 * (k / 239) ** 3).map(
        (at) => `${x(at).toFixed(1)},${y(Math.min(value(at), 1.75)).toFixed(1)}`,
      );
      const picture = svg(
        "svg",
        {
          viewBox: `0 0 ${width} ${height}`,
          width,
          height,
          role: "img",
          "aria-label": "Cost of one mode against what the network puts out, with its lowest place",
        },
        svg("line", { class: "axis", x1: 40, x2: width - 12, y1: y(0), y2: y(0) }),
        svg("line", { class: "axis", x1: 40, x2: 40, y1: y(0), y2: 10 }),
        svg("path", { class: `curve depth-${depth}`, d: `M${points.join("L")}` }),
        svg("circle", { class: "knob", cx: x(z), cy: y(value(z)), r: 9 }),
        svg("text", { x: x(0), y: height - 14, "text-anchor": "middle" }, "0: dead"),
        svg("line", { class: "axis", x1: x(1), x2: x(1), y1: y(0), y2: y(0) + 6 }),
        svg("text", { x: width - 12, y: height - 14, "text-anchor": "end" }, "1: as the labels ask"),
        svg("text", { x: 14, y: 120, transform: "rotate(-90 14 120)", "text-anchor": "middle" }, "cost"),
      );
      draggable(picture, (place) => {
        stop();
        z = Math.min(Math.max(x.back(place), 0), 1.1);
        picture.querySelector(".knob").setAttribute("cx", x(z));
        picture.querySelector(".knob").setAttribute("cy", y(value(z)));
      });
      picture.addEventListener("pointerup", () => {
        // Let go, it rolls down.
        const from = z;
        const to = NC.rollsTo(from, price, depth);
        if (still()) {
          z = to;
          return draw();
        }
        stop = play(0.7, (passed) => {
          z = from + (to - from) * (1 - (1 - passed) ** 3);
          picture.querySelector(".knob").setAttribute("cx", x(z));
          picture.querySelector(".knob").setAttribute("cy", y(value(z)));
          if (passed === 1) tell();
        });
      });
      holder.replaceChildren(picture);
      tell();
    }
    function tell() {
      const lowest = NC.shareAtPrice(price, depth);
      const where = z === 0 ? "at 0: the mode is dead" : `at ${plain(z, 2)}: the mode is alive`;
      const stuck = Math.abs(z - lowest) > 1e-6 ? ` The lowest place is at ${plain(lowest, 2)}: it is stuck.` : "";
      readout.textContent =
        depth === 1
          ? `The ball lies ${where}. Raise the price and it slides to 0 without a jump.`
          : `The ball lies ${where}.${stuck || " The curve leaves 0 straight up: at 0 there is always a hollow. Above the price 1 that hollow is the lowest place."}`;
      box.dataset.z = z;
    }
    box.append(
      holder,
      html(
        "div",
        { class: "controls" },
        control.node,
        layers(depth, (next) => {
          depth = next;
          settle();
          draw();
        }),
      ),
      readout,
    );
    settle();
    draw();
    return draw;
  }

  /* The same proportions, ever more samples, lambda_H as it is: what the data buy, the penalty takes. */
  function data(box, { counts, names }) {
    const holder = html("div", { class: "stage" }),
      readout = html("p", { class: "readout" });
    const steps = [1, 2, 4, 8, 16, 32];
    let times = 1;
    const lambda_W = 0.002,
      lambda_H = 2e-4;
    const control = slider("samples of every class, times", steps, 0, (value) => {
      times = value;
      draw();
    });
    function draw() {
      const width = Math.max(holder.clientWidth || 600, 280),
        step = 24,
        left = width < 480 ? 100 : 160;
      const n = counts.map((count) => count * times),
        all = NC.run(NC.family({ n, L: 1, bias: false, lambda_W, lambda_H }));
      const shares = all.group.map((g) => all.at(1).own[g]),
        x = scale(0, 1, left, width - 12);
      const rows = n.map((count, k) =>
        svg(
          "g",
          {},
          svg("text", { x: left - 8, y: k * step + 16, "text-anchor": "end" }, `${names[k]} ${NC.number(count)}`),
          svg("rect", { class: "ground", x: left, y: k * step + 4, width: x(1) - left, height: step - 8 }),
          shares[k]
            ? svg("rect", {
                class: "area depth-1",
                x: left,
                y: k * step + 4,
                width: x(shares[k]) - left,
                height: step - 8,
              })
            : svg("path", { class: "mark cross", d: `M${left + 4},${k * step + 7}l10,10m0,-10l-10,10` }),
        ),
      );
      holder.replaceChildren(
        svg(
          "svg",
          {
            viewBox: `0 0 ${width} ${n.length * step + 4}`,
            width,
            height: n.length * step + 4,
            role: "img",
            "aria-label": "Share of its answer that each class keeps",
          },
          ...rows,
        ),
      );
      const alive = shares.filter((s) => s > 0).length;
      readout.replaceChildren(
        `${NC.number(n.reduce((a, b) => a + b))} samples at λ`,
        html("sub", {}, "H"),
        ` = ${lambda_H}: ${alive} of ${n.length} classes survive.`,
      );
      box.dataset.alive = alive;
    }
    box.append(holder, html("div", { class: "controls" }, control.node), readout);
    draw();
    return draw;
  }

  const MADE = { survival, cost, data };
  for (const box of document.querySelectorAll("[data-picture]")) {
    const redraw = MADE[box.dataset.picture](box, JSON.parse(box.dataset.told ?? "{}"));
    box.classList.add("live");
    let width = box.clientWidth;
    new ResizeObserver(() => {
      if (Math.abs(box.clientWidth - width) < 2) return;
      width = box.clientWidth;
      redraw();
    }).observe(box);
  }
});
