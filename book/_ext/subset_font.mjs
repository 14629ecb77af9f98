// Cuts a typeface down to the letters that it is told, and packs it for the web:
//
//     node subset_font.mjs FROM TO < LETTERS
//
// Of what a face can do with letters it keeps what happens without being asked for; alternate forms
// would double its size.
import { readFile, writeFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import subset from "subset-font";

const [from, to] = process.argv.slice(2);
const cut = await subset(await readFile(from), await text(process.stdin), {
  targetFormat: "woff2",
  keepFeatures: ["ccmp", "kern", "liga", "locl", "mark", "mkmk"],
});
await writeFile(to, cut);
