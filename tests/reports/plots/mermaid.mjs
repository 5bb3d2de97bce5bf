// Reads texts of Mermaid diagrams, a JSON array, from standard input; writes for each what Mermaid's own parser
// made of it. The folder with its packages, `mermaid` and `jsdom`, is the first argument.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const packages = createRequire(pathToFileURL(`${process.argv[2]}/package.json`));
const { JSDOM } = packages("jsdom");
globalThis.window = new JSDOM("").window;
globalThis.document = globalThis.window.document;
const path = `${process.argv[2]}/node_modules/mermaid/dist/mermaid.core.mjs`;
const { default: mermaid } = await import(pathToFileURL(path));
const found = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  await mermaid.parse(text);
  const read = await mermaid.mermaidAPI.getDiagramFromText(text);
  found.push({
    type: read.type,
    lanes: [...read.db.getActors().values()].map((one) => one.description),
    labels: read.db.getMessages().map((one) => one.message),
  });
}
console.log(JSON.stringify(found));
