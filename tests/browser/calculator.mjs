// Asks the calculator's own script, in a real browser, and works its form as a reader would.
//
//     CHROMIUM=/path/to/chromium node calculator.mjs SITE_FOLDER < questions.json > answers.json
//
// Questions: {"problems": [...], "factors": [...], "shares": [...], "texts": [...]}. test_calculator.py compares the answers.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";
import { PATIENCE } from "./work.mjs";

const questions = JSON.parse(await readFile("/dev/stdin", "utf8"));
const server = await serve(resolve(process.argv[2]));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  timeout: PATIENCE,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
const page = await (await browser.newContext({ acceptDownloads: true })).newPage();
page.setDefaultTimeout(PATIENCE);
await page.goto(`${server.origin}/book/intro.html?n=60,10,10&L=1&lambda_W=0.039&lambda_H=0.039`);

const solved = await page.evaluate(
  (problems) =>
    problems.map((problem) => {
      const { modes, groups, group, accuracy, objective, margin, lost } = NC.solve(problem);
      const each = (name) => modes.flatMap((mode) => Array(mode.size).fill(mode[name]));
      return {
        kappa: each("kappa"),
        z: each("z"),
        dies: each("dies"),
        right: group.map((g) => groups[g].right),
        merged: group.map((g) => groups[g].merged),
        own: group.map((g) => groups[g].own),
        best: group.map((g) => groups[g].best),
        accuracy,
        objective,
        margin,
        lost,
      };
    }),
  questions.problems,
);

const written = await page.evaluate(
  ({ factors, shares }) => ({
    factors: factors.map((factor) => NC.factorText(factor)),
    shares: shares.map((share) => NC.percent(share)),
  }),
  questions,
);

const form = page.locator("#calculator");
const summary = form.locator(".summary");
const messages = [];
for (const text of questions.texts) {
  await form.locator("textarea").fill(text);
  messages.push(await summary.textContent());
}

await page.reload();
const fromAddress = await form.locator("textarea").inputValue();
await page.goto(`${server.origin}/book/intro.html?n=60,10,10&L=1&lambda_W=0.039&lambda_H=0.039`);
const said = await summary.textContent();
await form.locator("[name=L]").focus();
await page.keyboard.press("ArrowRight");
const moved = { address: page.url(), spoken: await form.locator(".spoken").textContent() };
const [download] = await Promise.all([page.waitForEvent("download"), form.locator(".download").click()]);
const table = await readFile(await download.path(), "utf8");

await browser.close();
await server.close();
process.stdout.write(JSON.stringify({ solved, written, messages, fromAddress, said, moved, table }));
