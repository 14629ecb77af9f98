// Asks the script that judges typed answers, without a browser.
//
//     node answers.mjs SCRIPT < questions.json > answers.json
//
// Questions: {"asked": [[part, text], ...]}; of each what the page would say.

import { readFileSync } from "node:fs";

const source = `${readFileSync(process.argv[2], "utf8")}; return typedAnswers();`;
const { judge } = new Function("document", source)({ addEventListener() {} });
const { asked } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(asked.map(([part, text]) => judge(part, text))));
