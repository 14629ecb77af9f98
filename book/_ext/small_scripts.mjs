// Writes scripts small: node small_scripts.mjs FOLDER NAME...
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { minify } from "terser";

const [folder, ...names] = process.argv.slice(2);
for (const name of names) {
  const path = join(folder, name);
  const { code } = await minify(await readFile(path, "utf8"));
  await writeFile(path, code);
}
