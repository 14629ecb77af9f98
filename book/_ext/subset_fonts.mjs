// Cuts typefaces down to some of their letters: node subset_fonts.mjs < WANTED, which is a list of
// {from, to, letters}. Of what a face can do with letters it keeps what happens without being asked
// for; alternate forms would double its size. Its name goes, since the license keeps it for the whole.
import { readFile, writeFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import subset from "subset-font";

for (const { from, to, letters } of JSON.parse(await text(process.stdin))) {
  const cut = await subset(await readFile(from), letters, {
    targetFormat: "woff2",
    keepFeatures: ["ccmp", "kern", "liga", "locl", "mark", "mkmk"],
    dropTables: ["name"],
  });
  await writeFile(to, cut);
}
