/* The calculator of the landing page: nclib's closed forms for a reader without Python. This is the
   one place where they are written a second time; the tests compare it with nclib. */
"use strict";
const NC = (() => {
  const RULE = "class counts are positive whole numbers below 2**53, one per class";
  const TIE = 1e-12; // as in nclib: a mode this close to its threshold counts as dead
  const NEAR = 1e-9; // just below and just above a death, relative to it
  const sum = (a) => a.reduce((x, y) => x + y, 0);
  const softplus = (y) => (y > 0 ? y + Math.log1p(Math.exp(-y)) : Math.log1p(Math.exp(y)));
  const logistic = (y) => Math.exp(-softplus(-y));
  const xlogx = (x) => (x ? x * Math.log(x) : 0);

  function parse(text) {
    const words = text.split(/[\s,;]+/).filter(Boolean);
    const n = words.map((word, i) => {
      const value = Number(word);
      if (Number.isNaN(value) && word !== "nan") throw new Error(`n[${i}] = '${word}' is not a number; ${RULE}`);
      if (!(value >= 1 && value < 2 ** 53 && Number.isInteger(value))) throw new Error(`n[${i}] = ${word}: ${RULE}`);
      return value;
    });
    if (n.length < 2 || n.length > 1000)
      throw new Error(`n must hold 2 to 1,000 class counts; got ${n.length.toLocaleString("en")}; ${RULE}`);
    return n;
  }
  function positive(name, value) {
    const reason = value === 0 ? "; the theorems divide by it, and at 0 a minimum may not exist" : "";
    if (!(value > 0 && value < Infinity)) throw new Error(`${name} must be positive and finite; got ${value}${reason}`);
  }

  /* Root of sum_j w_j / (N_j - t) between the poles i and i + 1, as nearest pole and offset. */
  function secularRoot(poles, w, i) {
    const f = (o, d) => sum(poles.map((p, j) => w[j] / (p - poles[o] - d)));
    const half = (poles[i] - poles[i + 1]) / 2;
    const lower = f(i, -half) >= 0;
    const origin = lower ? i + 1 : i,
      sign = lower ? 1 : -1;
    let lo = 0,
      hi = half; // distance from the pole; halved in ratio while it spans decades
    for (let k = 0; k < 400 && hi - lo > 1e-16 * hi; k++) {
      const mid = lo > 0 && hi > 4 * lo ? Math.sqrt(lo * hi) : lo > 0 ? (lo + hi) / 2 : hi / 1024;
      if (mid <= lo || mid >= hi) break;
      if (sign * f(origin, sign * mid) > 0) hi = mid;
      else lo = mid;
    }
    return { origin, offset: (sign * (lo + hi)) / 2 };
  }

  /* log(s / (1 - s)) at the larger root of theta = s^(L-1) (1-s)^(L+1): Newton from the right. */
  function largeRoot(logTheta, L) {
    if (L === 1) return Math.log(-Math.expm1(logTheta / 2)) - logTheta / 2;
    let y = Math.max(-logTheta, 0) / (L + 1);
    for (let k = 0; k < 200; k++) {
      const value = -(L - 1) * softplus(-y) - (L + 1) * softplus(y) - logTheta;
      const step = value / (L - 1 - 2 * L * logistic(y));
      if (!(value < 0) || step <= 2e-16 * Math.max(Math.abs(y), 1)) break;
      y -= step;
    }
    return y;
  }

  /* All that class counts give, and `at(factor)`: the optimum with every penalty times a factor. */
  function family({ n, L, bias, lambda_W, lambda_H }) {
    if (!Number.isInteger(L) || L < 1) throw new Error(`depth must be a whole number, at least 1; got ${L}`);
    positive("lambda_W", lambda_W);
    positive("lambda_H", lambda_H);
    const N = sum(n),
      poles = [...new Set(n)].sort((a, b) => b - a),
      m = poles.length;
    const place = new Map(poles.map((p, j) => [p, j])),
      group = n.map((count) => place.get(count));
    const l = poles.map(() => 0);
    for (const j of group) l[j]++;
    const w = poles.map((p, j) => p * l[j]);
    const roots = bias ? poles.slice(1).map((_, i) => secularRoot(poles, w, i)) : [];
    const limit = xlogx(L - 1) - 2 * L * Math.log(L); // of log(theta)
    const blocks = []; // of equal kappa, falling
    const add = (kappa, size, kind, j) => {
      if (!size) return;
      const logTheta =
        Math.log(N) + Math.log(lambda_H) + L * Math.log(lambda_W) - L * (2 * Math.log(kappa) - Math.log(N));
      blocks.push({ kappa, size, kind, j, logTheta, dies: kappa ? Math.exp((limit - logTheta) / (L + 1)) : 0 });
    };
    for (let j = 0; j < m; j++) {
      add(Math.sqrt(poles[j]), l[j] - (bias ? 1 : 0), "inner", j);
      if (bias && j < m - 1) add(Math.sqrt(poles[roots[j].origin] + roots[j].offset), 1, "between", j);
    }
    if (bias) add(0, 1, "null", m - 1);
    /* 1 / (N_a - t_i), and the squared length of the vector sqrt(w_a) / (N_a - t_i) of each root. */
    const inverse = poles.map((p) =>
      Float64Array.from(roots, ({ origin, offset }) => 1 / (p - poles[origin] - offset)),
    );
    const length = roots.map((_, i) => sum(w.map((x, a) => x * inverse[a][i] ** 2)));

    function at(factor) {
      const shift = (L + 1) * Math.log(factor),
        inner = poles.map(() => 0),
        between = roots.map(() => 0);
      const modes = blocks.map((block) => {
        const logTheta = block.logTheta + shift;
        const alive = logTheta < limit - TIE * L,
          y = alive ? largeRoot(logTheta, L) : -Infinity;
        const s = alive ? logistic(y) : 0,
          rest = alive ? logistic(-y) : 1,
          { kappa, kind, j } = block;
        if (kind === "inner") inner[j] = s;
        if (kind === "between") between[j] = s;
        return { ...block, alive, s, z: s * kappa, cost: (kappa ** 2 * rest * (1 + L * s)) / (2 * N) };
      });
      /* Inner modes apart, a class of group a answers N_a/N + N_a (F_b - F_a) / (N_a - N_b) to a
         sample of another group b, and N_b/N + N_b Q_b to one of its own. */
      const kept = between.map((s, i) => s / length[i]);
      const F = inverse.map((row) => kept.reduce((x, s, i) => x + s * row[i], 0));
      const Q = inverse.map((row) => kept.reduce((x, s, i) => x + s * row[i] * row[i], 0));
      const apart = between.some((s) => s > 0);
      const groups = poles.map((count, b) => {
        const told = inner[b] > 0 || (bias && l[b] === 1); // its classes differ from each other
        const base = bias ? count / N + count * Q[b] : 0,
          drop = bias ? inner[b] / l[b] : 0;
        const own = base + inner[b] - drop,
          slack = TIE * Math.abs(own);
        let rivals = inner[b] > 0 ? 1 : l[b],
          best = l[b] > 1 ? base - drop : -Infinity,
          beaten = false;
        for (let a = 0; a < m; a++)
          if (a !== b) {
            const other = bias ? poles[a] / N + (poles[a] * (F[b] - F[a])) / (poles[a] - count) : 0;
            if (other > best) best = other;
            if (other > own + slack) beaten = true;
            else if (other >= own - slack) rivals += l[a];
          }
        const merged = told && (apart || inner[b] > 0) ? 1 : apart ? l[b] : sum(l.filter((_, a) => !(inner[a] > 0)));
        return { count, classes: l[b], own, best, right: beaten ? 0 : 1 / rivals, merged };
      });
      return { modes, groups };
    }
    return { N, group, blocks, at };
  }

  /* The margin: the factor on all penalties at which a class is lost, as in nclib.first_loss. A
     class that is lost stays lost, so one may halve: among the deaths of modes, then between two. */
  function firstLoss({ blocks, at }) {
    const allRight = (factor) => at(factor).groups.every((g) => g.right === 1);
    const lead = (logFactor) => Math.min(...at(Math.exp(logFactor)).groups.map((g) => g.own - g.best));
    const deaths = [...new Set(blocks.filter((k) => k.kappa > 0).map((k) => k.dies))].sort((a, b) => a - b);
    let low = 0,
      high = deaths.length - 1; // at the last death something is lost
    while (low < high) {
      const middle = low ? (low + high) >> 1 : 0; // nearly always it is the first
      if (allRight(deaths[middle] * (1 + NEAR))) low = middle + 1;
      else high = middle;
    }
    const death = deaths[low];
    if (allRight(death * (1 - NEAR))) return death;
    let x = Math.log(low ? deaths[low - 1] * (1 + NEAR) : death * 1e-6),
      y = Math.log(death * (1 - NEAR));
    let fx = lead(x),
      fy = lead(y);
    if (!(fx > 0 && fy < 0)) return death; // a tie that only rounding decides
    for (let k = 0; k < 200 && y - x > 1e-13; k++) {
      // false position; the end that stays counts half
      let z = y - (fy * (y - x)) / (fy - fx);
      if (k % 4 === 3 || !(z > x && z < y)) z = (x + y) / 2;
      const fz = lead(z);
      if (fz > 0) {
        x = z;
        fx = fz;
        fy /= 2;
      } else {
        y = z;
        fy = fz;
        fx /= 2;
      }
    }
    return Math.exp((x + y) / 2);
  }

  function solve(problem) {
    const all = family(problem),
      { modes, groups } = all.at(1),
      { N, group } = all;
    const accuracy = sum(groups.map((g) => g.right * g.count * g.classes)) / N;
    const margin = firstLoss(all),
      after = all.at(margin * (1 + NEAR)).groups;
    const lost = after.filter((g) => g.right < 1).map((g) => g.count);
    return {
      K: problem.n.length,
      N,
      modes,
      groups,
      group,
      accuracy,
      margin,
      lost,
      objective: sum(modes.map((k) => k.size * k.cost)),
    };
  }

  /* A factor with so many digits that one above or below 1 does not look like 1. */
  function factorText(factor, digits = 3) {
    const text = +factor.toPrecision(digits);
    return text === 1 && Math.abs(factor - 1) > TIE ? factorText(factor, digits + 1) : `${text}`;
  }
  /* A share in percent; no share but all is 100, and none but none is 0. */
  function percent(share) {
    const text = (100 * share).toFixed(1);
    return `${share < 1 && text === "100.0" ? "99.9" : share > 0 && text === "0.0" ? "0.1" : +text} %`;
  }
  return { parse, solve, factorText, percent };
})();

if (typeof document !== "undefined")
  document.addEventListener("DOMContentLoaded", () => {
    const form = document.getElementById("calculator");
    if (!form) return;
    const [field, names] = [form.elements, ["n", "L", "bias", "lambda_W", "lambda_H", "factor"]];
    const part = (name) => form.querySelector(`.${name}`);
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (name === "bias") field.bias.checked = value === "1";
      else if (names.includes(name)) field[name].value = value;
    }
    let csv = "";
    function show() {
      const factor = 10 ** field.factor.value;
      part("depth").textContent = field.L.value;
      part("times").textContent = +factor.toPrecision(3);
      let text = "",
        rows = [];
      try {
        const n = NC.parse(field.n.value),
          numbers = {
            lambda_W: factor * Number(field.lambda_W.value),
            lambda_H: factor * Number(field.lambda_H.value),
          };
        const r = NC.solve({ n, L: Number(field.L.value), bias: field.bias.checked, ...numbers });
        const real = r.modes.filter((k) => k.kappa > 0),
          count = (list) => sizes(list.map((k) => k.size ?? k.classes));
        const first = Math.min(...real.map((k) => k.dies));
        text = `${count(real.filter((k) => k.alive))} of ${count(real)} modes are alive, ${count(r.groups.filter((g) => g.right === 1))} of ${r.K} classes are classified right, and ${count(r.groups.filter((g) => g.merged > 1))} have merged with another. Training accuracy ${NC.percent(r.accuracy)}. Margin: the first class (${Math.max(...r.lost).toLocaleString("en")} samples) is lost when all penalties are multiplied by ${NC.factorText(r.margin)}. Room until a mode dies: a factor of ${NC.factorText(first)}.`;
        rows = r.groups.map((g) => [
          g.classes,
          g.count,
          g.right === 1 ? "right" : g.right ? `a guess among ${Math.round(1 / g.right)}` : "wrong",
          g.merged > 1 ? `merged, ${g.merged} as one` : "apart",
        ]);
        csv = `${[
          "class,count,share_right,classes_at_its_mean",
          ...n.map((c, i) => [i + 1, c, r.groups[r.group[i]].right, r.groups[r.group[i]].merged].join()),
        ].join("\n")}\n`;
      } catch (error) {
        text = error.message;
        csv = "";
      }
      part("summary").textContent = text;
      part("rows").replaceChildren(
        ...rows.map((row) => {
          const tr = document.createElement("tr");
          row.forEach((cell) => {
            tr.insertCell().textContent = cell;
          });
          return tr;
        }),
      );
      part("download").disabled = !csv;
      const address = new URL(location); // explorables keep their states in it, too
      for (const name of names)
        address.searchParams.set(name, name === "bias" ? Number(field.bias.checked) : field[name].value);
      try {
        history.replaceState(null, "", address);
      } catch {
        /* opened as a file: no address to keep */
      }
    }
    const sizes = (list) => list.reduce((x, y) => x + y, 0);
    form.addEventListener("input", show);
    form.addEventListener("change", () => {
      part("spoken").textContent = part("summary").textContent;
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    part("download").addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
      link.download = "classes.csv";
      link.click();
      URL.revokeObjectURL(link.href);
    });
    show();
  });
