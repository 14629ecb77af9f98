// A static server for the built site that compresses as a web host does, and so knows what each
// file weighs on its way to a reader.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ipynb": "application/json; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".md": "text/markdown; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
};
// Compressed already: a second pass gains nothing.
const PACKED = new Set([".png", ".woff", ".woff2"]);

export async function serve(root) {
  const files = new Map();

  async function load(path) {
    if (!files.has(path)) {
      const kind = extname(path);
      const body = await readFile(join(root, path));
      const packed = PACKED.has(kind) ? null : gzipSync(body, { level: 6 });
      files.set(path, { type: TYPES[kind] ?? "application/octet-stream", body: packed ?? body, packed });
    }
    return files.get(path);
  }

  const server = createServer(async (request, response) => {
    // `normalize` on an absolute path leaves no way out of the root.
    let path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    if (path.endsWith("/")) path += "index.html";
    try {
      const { type, body, packed } = await load(path);
      response.setHeader("Content-Type", type);
      if (packed) response.setHeader("Content-Encoding", "gzip");
      response.end(body);
    } catch {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("not found");
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    // Bytes of a file as it is sent; 0 for one that was never asked for.
    weight: (path) => files.get(path)?.body.length ?? 0,
    close: () => server.close(),
  };
}
