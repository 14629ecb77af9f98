/* The model itself, trained in the page by gradient descent, beside what the theory predicts. `live` has
   the mathematics, without a page; below it is what shows it. */
"use strict";
function live(NC) {
  /* K x K matrices, row by row: C = A B, A' B or A B'. */
  function product(C, A, B, K, left = false, right = false) {
    for (let i = 0; i < K; i++)
      for (let j = 0; j < K; j++) {
        let x = 0;
        for (let k = 0; k < K; k++) x += A[left ? k * K + i : i * K + k] * B[right ? j * K + k : k * K + j];
        C[i * K + j] = x;
      }
  }
  /* Numbers from a seed: the same in every browser. */
  function random(seed) {
    let state = (seed * 2_654_435_761 + 97) >>> 0 || 1;
    const uniform = () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      state >>>= 0;
      return (state + 0.5) / 2 ** 32;
    };
    for (let k = 0; k < 20; k++) uniform();
    return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  }

  /* The model with one feature for each class and square layers. The variables are scaled so that every
     penalty is half a sum of squares, as in nclib's descent, and one step means the same in both. */
  function model({ n, L, bias, lambda }) {
    const K = n.length,
      N = n.reduce((x, y) => x + y, 0),
      size = K * K;
    const zeros = () => new Float64Array(size);
    const W = Array.from({ length: L }, zeros),
      H = zeros(),
      b = new Float64Array(K);
    const A = Array.from({ length: L + 1 }, zeros),
      back = zeros(),
      spare = zeros();
    const slopes = { W: W.map(zeros), H: zeros(), b: new Float64Array(K) };
    const speed = { W: W.map(zeros), H: zeros(), b: new Float64Array(K) };
    const modes = NC.labelModes({ n, bias });
    let unit,
      rate,
      steps = 0;

    function setLambda(value) {
      // Weights, features and bias stay; only their scale changes.
      const change = lambda ? Math.sqrt(value / lambda) : 1;
      for (const part of [...W, H]) for (let i = 0; i < size; i++) part[i] *= change;
      lambda = value;
      const top = modes.kappa[0];
      unit = Math.exp((((L + 1) * Math.log(lambda)) / 2 + Math.log(top)) / (L + 1));
      rate = 1 / (1 + ((L + 1) * (top / unit) ** 2) / N);
    }
    function start(seed, scale) {
      const draw = random(seed);
      for (const part of [...W, H]) for (let i = 0; i < size; i++) part[i] = (scale * unit * draw()) / Math.sqrt(K);
      b.fill(0);
      rest();
    }
    function rest() {
      for (const part of [...speed.W, speed.H, speed.b]) part.fill(0);
    }
    /* A small push in all directions, relative to the size of a solution: nothing stays at a saddle. */
    function push(seed, kick = 1e-3) {
      const draw = random(seed);
      for (const part of [...W, H]) for (let i = 0; i < size; i++) part[i] += (kick * unit * draw()) / Math.sqrt(K);
    }
    function forward() {
      for (let k = 0; k < K; k++) {
        const of = 1 / Math.sqrt(lambda * n[k]);
        for (let i = 0; i < K; i++) A[0][i * K + k] = H[i * K + k] * of;
      }
      const of = 1 / Math.sqrt(lambda);
      for (let j = 0; j < L; j++) {
        product(A[j + 1], W[j], A[j], K);
        for (let i = 0; i < size; i++) A[j + 1][i] *= of;
      }
    }
    /* The objective, and its slope in the scaled variables. */
    function slope() {
      forward();
      let value = 0;
      slopes.b.fill(0);
      for (let i = 0; i < K; i++)
        for (let k = 0; k < K; k++) {
          const miss = A[L][i * K + k] + (bias ? b[i] : 0) - (i === k ? 1 : 0),
            share = (n[k] / N) * miss;
          value += (share * miss) / 2;
          back[i * K + k] = share;
          slopes.b[i] += share;
        }
      const of = 1 / Math.sqrt(lambda);
      for (let j = L - 1; j >= 0; j--) {
        product(slopes.W[j], back, A[j], K, false, true);
        product(spare, W[j], back, K, true);
        for (let i = 0; i < size; i++) {
          slopes.W[j][i] = slopes.W[j][i] * of + W[j][i];
          back[i] = spare[i] * of;
          value += W[j][i] ** 2 / 2;
        }
      }
      for (let i = 0; i < K; i++)
        for (let k = 0; k < K; k++) {
          const at = i * K + k;
          slopes.H[at] = back[at] / Math.sqrt(lambda * n[k]) + H[at];
          value += H[at] ** 2 / 2;
        }
      return value;
    }
    const pairs = () => [
      ...W.map((part, j) => [part, slopes.W[j], speed.W[j]]),
      [H, slopes.H, speed.H],
      ...(bias ? [[b, slopes.b, speed.b]] : []),
    ];
    /* Fixed steps; `pace` is relative to the longest that is safe at a solution. */
    function run(number, pace = 0.1, momentum = 0) {
      let value = Infinity;
      const parts = pairs(),
        most = unit / 5;
      for (let step = 0; step < number; step++) {
        const now = slope();
        // From a large start steps would be too long; and what runs uphill has too much momentum.
        const kept = now > value ? 0 : momentum;
        value = now;
        for (const [x, d, v] of parts)
          for (let i = 0; i < x.length; i++) {
            v[i] = Math.min(Math.max(kept * v[i] - pace * rate * d[i], -most), most);
            x[i] += v[i];
          }
        steps++;
      }
      return value;
    }
    const steepest = () => {
      slope();
      return Math.max(...pairs().map(([, d]) => d.reduce((x, y) => Math.max(x, Math.abs(y)), 0)));
    };
    /* What is put out of each mode: the singular values in each block of equal kappa. */
    function strengths() {
      forward();
      const T = zeros();
      // With a bias V has no part of sqrt(n), and so no mode a part of the mean.
      for (let i = 0; i < size; i++) T[i] = A[L][i] * Math.sqrt(n[i % K]);
      return modes.blocks.flatMap((block) => {
        const M = new Float64Array(block.length ** 2);
        block.forEach((p, i) => {
          block.forEach((q, j) => {
            for (let r = 0; r < K; r++)
              for (let c = 0; c < K; c++)
                M[i * block.length + j] += modes.U[r * K + p] * T[r * K + c] * modes.V[c * K + q];
          });
        });
        return NC.singularValues(M, block.length);
      });
    }
    /* Cosines between the class means of the features, their mean taken off where there is a bias. */
    function cosines() {
      forward();
      const means = A[0].slice();
      if (bias)
        for (let i = 0; i < K; i++) {
          let mean = 0;
          for (let k = 0; k < K; k++) mean += (means[i * K + k] * n[k]) / N;
          for (let k = 0; k < K; k++) means[i * K + k] -= mean;
        }
      const G = zeros();
      product(G, means, means, K, true);
      const long = Math.max(...Array.from({ length: K }, (_, k) => G[k * K + k]));
      const lengths = Array.from({ length: K }, (_, k) => (G[k * K + k] > 1e-6 * long ? Math.sqrt(G[k * K + k]) : 0));
      return G.map((x, at) => {
        const both = lengths[Math.floor(at / K)] * lengths[at % K];
        return both ? x / both : NaN;
      });
    }
    /* In the units of the problem, to compare; and back. */
    function weights() {
      return {
        Ws: W.map((part) => Array.from(part, (x) => x / Math.sqrt(lambda))),
        H: Array.from(H, (x, i) => x / Math.sqrt(lambda * n[i % K])),
        b: Array.from(b),
      };
    }
    function take(given) {
      given.Ws.forEach((part, j) => {
        part.forEach((x, i) => {
          W[j][i] = x * Math.sqrt(lambda);
        });
      });
      given.H.forEach((x, i) => {
        H[i] = x * Math.sqrt(lambda * n[i % K]);
      });
      b.set(given.b ?? []);
      rest();
    }
    const first = lambda;
    lambda = 0;
    setLambda(first);
    return {
      K,
      L,
      N,
      modes,
      run,
      start,
      push,
      setLambda,
      strengths,
      cosines,
      weights,
      take,
      steepest,
      value: slope,
      lambda: () => lambda,
      steps: () => steps,
    };
  }
  /* For each mode what the global minimum puts out, and what the hollow does in which it can stay alive. */
  function predicted({ n, L, lambda }, { kappa }) {
    const N = n.reduce((x, y) => x + y, 0);
    return kappa.map((strength) => NC.branches({ kappa: strength, N, L, lambda }));
  }
  return { model, predicted };
}

document.addEventListener("DOMContentLoaded", () => {
  const { html, svg, scale, plain, still } = Drawing;
  const NC = theory(),
    LIVE = live(NC);
  const SETS = {
    "seven skin lesions": [6705, 1113, 1099, 514, 327, 142, 115],
    "ten classes, 500 to 50": [500, 387, 300, 232, 180, 139, 108, 83, 65, 50],
    "the paper's CIFAR-10": [500, 500, 400, 400, 300, 300, 200, 200, 100, 100],
    "one frequent, two rare": [60, 10, 10],
    "two classes": [10923, 260],
  };
  const LAMBDAS = Array.from({ length: 121 }, (_, k) => 1e-4 * 1000 ** (k / 120));
  const BUDGET = 2; // ms of steps in a frame
  const MOST = 60;
  const PACE = 0.3,
    MOMENTUM = 0.9;
  let ids = 0;

  function mount(box) {
    const small = box.dataset.live === "small";
    const told = {
      set: Object.keys(SETS)[0],
      L: 3,
      bias: true,
      size: 1,
      at: 28,
      ...JSON.parse(box.dataset.told ?? "{}"),
    };
    let { L, bias, size } = told,
      n = SETS[told.set],
      at = told.at,
      seed = 1,
      model,
      going = false,
      wanted = false,
      visible = true,
      warm = null;
    const id = ids++;
    const labelled = (label, input) => html("label", {}, html("span", {}, label, " "), input);
    const chart = html("div", { class: "stage" }),
      map = html("div", { class: "gram" });
    const readout = html("p", { class: "readout" }),
      spoken = html("p", { class: "spoken", role: "status" });
    const output = html("b");
    const range = html("input", {
      type: "range",
      min: 0,
      max: LAMBDAS.length - 1,
      value: at,
      name: "lambda",
      oninput: () => {
        warm = null;
        setLambda(Number(range.value));
      },
      onchange: () => {
        spoken.textContent = readout.textContent;
      },
    });
    const lambdaControl = html("label", { class: "long" }, html("span", {}, "λ, while it runs: ", output), range);

    function setLambda(place) {
      at = Math.round(place);
      range.value = at;
      output.textContent = plain(LAMBDAS[at]);
      range.setAttribute("aria-valuetext", output.textContent);
      model.setLambda(LAMBDAS[at]);
      model.push(seed + model.steps());
      target();
      if (!going) draw();
    }
    function anew() {
      model = LIVE.model({ n, L, bias, lambda: LAMBDAS[at] });
      model.start(seed, size);
      shape();
      target();
      draw();
      spoken.textContent = "";
    }
    /* What does not change from frame to frame is made once. */
    let x, y, bars, ticks, hollows, cells;
    function shape() {
      const { kappa } = model.modes,
        height = small ? 190 : 250,
        width = Math.max(chart.clientWidth || 420, 260);
      x = scale(0, kappa.length, 46, width - 6);
      y = scale(0, kappa[0] * 1.06, height - 30, 8);
      const step = (width - 52) / kappa.length;
      bars = kappa.map((_, k) => svg("rect", { class: `bar depth-${L}`, x: x(k) + step * 0.2, width: step * 0.6 }));
      ticks = kappa.map(() => svg("path", { class: "target" }));
      hollows = kappa.map(() => svg("path", { class: "hollow" }));
      const asked = kappa.map((value, k) =>
        svg("line", { class: "asked", x1: x(k) + step * 0.1, x2: x(k) + step * 0.9, y1: y(value), y2: y(value) }),
      );
      chart.replaceChildren(
        svg(
          "svg",
          {
            viewBox: `0 0 ${width} ${height}`,
            width,
            height,
            role: "img",
            "aria-label": "Strength of each mode in training, beside what the theory predicts",
          },
          svg("line", { class: "axis", x1: 46, x2: width - 6, y1: y(0), y2: y(0) }),
          svg("text", { x: 40, y: y(0) + 4, "text-anchor": "end" }, "0"),
          svg("text", { x: 40, y: y(kappa[0]) + 4, "text-anchor": "end" }, plain(kappa[0], 2)),
          svg("text", { x: (46 + width) / 2, y: height - 8, "text-anchor": "middle" }, "modes, strongest first"),
          ...asked,
          ...bars,
          ...hollows,
          ...ticks,
        ),
      );
      const K = n.length,
        side = 150 / K;
      cells = Array.from({ length: K * K }, (_, k) =>
        svg("rect", { x: (k % K) * side, y: Math.floor(k / K) * side, width: side, height: side }),
      );
      map.replaceChildren(
        svg(
          "svg",
          { viewBox: "0 0 150 150", role: "img", "aria-label": "Cosines between the class means of the features" },
          ...cells,
        ),
        html("p", {}, "Angles of the class means: purple alike, orange apart, pale at 0."),
      );
    }
    let places;
    function target() {
      places = LIVE.predicted({ n, L, lambda: LAMBDAS[at] }, model.modes);
      const step = x(1) - x(0);
      places.forEach(({ best, alive }, k) => {
        ticks[k].setAttribute("d", `M${x(k) + step * 0.08},${y(best)}h${step * 0.84}`);
        const other = best ? 0 : alive;
        hollows[k].setAttribute(
          "d",
          L > 1 && (best || alive) ? `M${x(k) + step * 0.12},${y(other)}h${step * 0.76}` : "",
        );
      });
    }
    function draw() {
      const strengths = model.strengths();
      const most = y.back(4); // a bar that is longer ends at the edge
      strengths.forEach((z, k) => {
        bars[k].setAttribute("y", y(Math.min(z, most)));
        bars[k].setAttribute("height", Math.max(y(0) - y(Math.min(z, most)), 0));
      });
      model.cosines().forEach((cosine, k) => {
        cells[k].setAttribute("fill", color(cosine));
      });
      const alive = strengths.filter((z, k) => z > 0.02 * model.modes.kappa[k]).length,
        best = places.filter(({ best }) => best).length;
      const stuck =
        alive < best
          ? `; the optimum has ${best}`
          : alive > best
            ? `; in the optimum ${best ? `only ${best} are` : "none is"}`
            : ", as in the optimum";
      readout.textContent = `Step ${NC.number(model.steps())}: ${alive} of ${strengths.length} modes alive${stuck}.`;
      box.dataset.strengths = strengths.map((z) => z.toPrecision(8)).join(" ");
      box.dataset.alive = alive;
      box.dataset.best = best;
    }
    const color = (cosine) => {
      if (!Number.isFinite(cosine)) return "#8a8a8a";
      const [r, g, b] = cosine > 0 ? [94, 60, 153] : [230, 97, 1],
        share = Math.min(Math.abs(cosine), 1);
      return `rgb(${[r, g, b].map((part) => Math.round(247 + (part - 247) * share)).join()})`;
    };
    function frame() {
      if (!going) return;
      const end = performance.now() + BUDGET;
      if (warm) {
        const passed = Math.min((performance.now() - warm.since) / 6000, 1);
        setLambda(warm.from + (warm.to - warm.from) * passed);
        if (passed === 1) warm = null;
      }
      for (let k = 0; k < MOST && performance.now() < end; k += 4) model.run(4, PACE, MOMENTUM);
      draw();
      requestAnimationFrame(frame);
    }
    function follow() {
      const now = wanted && visible && !document.hidden;
      if (now === going) return;
      going = now;
      if (going) requestAnimationFrame(frame);
    }
    function run(on) {
      wanted = on;
      toggle.textContent = on ? "‖ Pause" : "▶ Train";
      follow();
    }
    const button = (text, onclick, name) => html("button", { type: "button", class: name, onclick }, text);
    const toggle = button("▶ Train", () => run(!wanted), "toggle");
    const again = button(
      "Start anew",
      () => {
        seed++;
        warm = null;
        anew();
      },
      "again",
    );
    const steps = button(
      "1,000 steps",
      () => {
        model.run(1000, PACE, MOMENTUM);
        draw();
        spoken.textContent = readout.textContent;
      },
      "steps",
    );
    const slowly = button(
      "Raise λ slowly from the start",
      () => {
        const to = at;
        seed++;
        at = 0;
        anew();
        setLambda(0);
        if (still()) {
          // Nothing moves: the same rise, at once.
          for (let place = 0; place <= to; place++) {
            setLambda(place);
            model.run(300, PACE, MOMENTUM);
          }
          draw();
          return;
        }
        warm = { from: 0, to, since: performance.now() + 1500 };
        run(true);
      },
      "slowly",
    );
    const set = html(
      "select",
      {
        name: "set",
        onchange: () => {
          n = SETS[set.value];
          anew();
        },
      },
      ...Object.keys(SETS).map((name) => html("option", { selected: name === told.set }, name)),
    );
    const layers = html(
      "select",
      {
        name: "layers",
        onchange: () => {
          L = Number(layers.value);
          anew();
        },
      },
      ...[1, 2, 3, 6].map((depth) => html("option", { selected: depth === L }, `${depth}`)),
    );
    const begin = html(
      "select",
      {
        name: "size",
        onchange: () => {
          size = Number(begin.value);
          anew();
        },
      },
      ...[
        [0.1, "tiny"],
        [0.5, "small"],
        [1, "usual"],
        [2, "large"],
      ].map(([value, name]) => html("option", { value, selected: value === size }, name)),
    );
    const withBias = html("input", {
      type: "checkbox",
      name: "bias",
      checked: bias,
      onchange: () => {
        bias = withBias.checked;
        anew();
      },
    });
    const tick = html("label", { class: "tick" }, withBias, "bias");
    box.append(
      html("div", { class: "pair" }, chart, map),
      html(
        "p",
        { class: "key" },
        html("span", { class: "swatch target" }),
        " the optimum",
        html("span", { class: "swatch hollow" }),
        " the other hollow, where there is one",
        html("span", { class: "swatch asked" }),
        " what the labels ask",
      ),
      readout,
      spoken,
      lambdaControl,
      html(
        "div",
        { class: "controls" },
        ...(small
          ? [labelled("Layers", layers)]
          : [labelled("Counts", set), labelled("Layers", layers), labelled("Start", begin), tick]),
      ),
      html("div", { class: "tools" }, toggle, slowly, again, steps),
    );
    box.classList.add("live");
    range.id = `nc-live-${id}`;
    output.textContent = plain(LAMBDAS[at]);
    anew();
    new IntersectionObserver(([seen]) => {
      visible = seen.isIntersecting;
      follow();
    }).observe(box);
    document.addEventListener("visibilitychange", follow);
    let width = box.clientWidth;
    new ResizeObserver(() => {
      if (Math.abs(box.clientWidth - width) < 2) return;
      width = box.clientWidth;
      shape();
      target();
      draw();
    }).observe(box);
    if (!still()) run(true);
  }
  for (const box of document.querySelectorAll("[data-live]")) mount(box);
});
