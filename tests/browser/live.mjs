// Trains the model of the pages, without a browser.
//
//     node live.mjs FOLDER_OF_SCRIPTS < questions.json > answers.json

import { readFileSync } from "node:fs";
import { join } from "node:path";

const text = ["theory.js", "live.js"].map((name) => readFileSync(join(process.argv[2], name), "utf8")).join("\n");
// What shows it waits for a page, and there is none.
globalThis.document = { addEventListener() {} };
const { NC, LIVE } = new Function(`${text}; const NC = theory(); return { NC, LIVE: live(NC) };`)();
const { paths = [], ends = [], marks = [] } = JSON.parse(readFileSync(0, "utf8"));

const path = ({ start, steps, then, ...setting }) => {
  const model = LIVE.model(setting);
  model.take(start);
  if (then) model.setLambda(then);
  model.run(steps);
  const cosines = [...model.cosines()];
  return { ...model.weights(), value: model.value(), strengths: model.strengths(), cosines };
};
const end = ({ seed, size, ...setting }) => {
  const model = LIVE.model(setting);
  model.start(seed, size);
  for (let k = 0; k < 400 && (k < 5 || model.steepest() > 1e-9); k++) {
    model.run(500, 0.3, 0.95);
    // Nothing stays at a saddle.
    if (k < 5) model.push(seed + k, 1e-3);
  }
  return { value: model.value(), steepest: model.steepest() };
};
process.stdout.write(
  JSON.stringify({
    paths: paths.map(path),
    ends: ends.map(end),
    marks: marks.map((setting) => LIVE.predicted(setting, NC.labelModes(setting))),
  }),
);
