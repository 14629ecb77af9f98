// Asks the mathematics of the pages, without a browser.
//
//     node theory.mjs SCRIPT < questions.json > answers.json
//
// Questions: {"problems": [...], "forms": [...], "texts": [...], "factors": [...], "prices": [...]}.

import { readFileSync } from "node:fs";

const NC = new Function(`${readFileSync(process.argv[2], "utf8")}; return theory();`)();
const { problems = [], forms = [], texts = [], factors = [], prices = [] } = JSON.parse(readFileSync(0, "utf8"));

function told(question) {
  const all = NC.run(NC.family(question));
  const found = all.at(1);
  const merged = all.group.map((g) => NC.mergedAt(all, found, g));
  const [own, best, right] = [found.own, found.best, found.right].map((list) => all.group.map((g) => list[g]));
  const modes = all.modes();
  const each = (name) => modes.flatMap((mode) => Array(mode.size).fill(mode[name]));
  const margin = NC.run(NC.firstLoss(all));
  const lost = question.all ? NC.run(NC.losses(all)) : null;
  const after = all.at(margin * (1 + 1e-9)).right;
  return {
    kappa: each("kappa"),
    z: each("z"),
    dies: each("dies"),
    right,
    merged,
    own,
    best,
    accuracy: question.n.reduce((sum, count, k) => sum + count * right[k], 0) / all.N,
    objective: modes.reduce((sum, mode) => sum + mode.size * mode.cost, 0),
    margin,
    // Infinity is no number of JSON.
    losses: lost && all.group.map((g) => (lost[g] === Infinity ? null : lost[g])),
    lost: [...after.keys()].filter((g) => after[g] < 1).map((g) => all.poles[g]),
  };
}

function or(answer) {
  try {
    return answer();
  } catch (error) {
    return { error: error.message };
  }
}

process.stdout.write(
  JSON.stringify({
    solved: problems.map(told),
    answered: forms.map((form) =>
      or(() => {
        const { first, margins, rows } = NC.run(NC.answer(form));
        const finite = (place) => (Number.isFinite(place) ? place : null);
        return {
          first,
          margins,
          rows: rows.map((row) => ({ ...row, lost: finite(row.lost), merges: finite(row.merges) })),
        };
      }),
    ),
    read: texts.map((text) => or(() => NC.read(text))),
    factors: factors.map((factor) => NC.factorText(factor)),
    prices: prices.map(({ z, price, L }) => ({
      tie: NC.tie(L),
      share: NC.shareAtPrice(price, L),
      rollsTo: NC.rollsTo(z, price, L),
    })),
  }),
);
