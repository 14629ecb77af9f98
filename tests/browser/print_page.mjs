// Prints a page of the built site to PDF, and writes as JSON how many sheets that takes and what
// does not fit the paper.
//
//     CHROMIUM=/path/to/chromium node print_page.mjs PAGE.html > report.json

import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import { PATIENCE } from "./work.mjs";

// What is left of A4 inside margins of 12 mm, in CSS pixels.
const PAPER = { width: Math.floor(((210 - 24) * 96) / 25.4), height: Math.floor(((297 - 24) * 96) / 25.4) };

const browser = await launch(PATIENCE);
const page = await browser.newPage({ viewport: PAPER });
page.setDefaultTimeout(PATIENCE);
await page.goto(pathToFileURL(process.argv[2]).href);
await page.evaluate(() => window.MathJax?.startup?.promise);
await page.evaluate(() => document.fonts.ready);

// The size is that of the page's own style sheet, as in the browser's dialog.
const pdf = await page.pdf({ preferCSSPageSize: true });
const text = pdf.toString("latin1");
const sheets = text.match(/\/Type\s*\/Page\b/g).length;
const sizes = [...new Set(text.match(/\/MediaBox\s*\[[^\]]*\]/g))];

// Past an edge of the sheet, or from one column into the other.
await page.emulateMedia({ media: "print" });
const outside = await page.evaluate(({ width, height }) => {
  const problems = [];
  for (const node of document.querySelectorAll(".bd-article :is(p, li, td, h2, mjx-container, table, img)")) {
    for (const box of node.getClientRects()) {
      const crosses = box.left < width / 2 - 10 && box.right > width / 2 && !node.closest(".nc-one-page");
      if (crosses || box.left < -1 || box.right > width + 1 || box.bottom > height + 1) {
        problems.push(
          `${node.tagName} to ${Math.round(box.right)}, ${Math.round(box.bottom)}: ${node.textContent.trim().slice(0, 60)}`,
        );
      }
    }
  }
  return problems;
}, PAPER);
await browser.close();
process.stdout.write(JSON.stringify({ sheets, sizes, outside }));
