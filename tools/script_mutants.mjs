// The mutants of a script of the book: its source with one small fault each, as JSON.
//
//     node script_mutants.mjs SCRIPT [FUNCTION...]
//
// Of the named functions alone, where there are names. Text is left out: nobody counts with it.

import { readFileSync } from "node:fs";
import { parse } from "acorn";

const [path, ...names] = process.argv.slice(2);
const source = readFileSync(path, "utf8");
const lines = source.split("\n");

const OTHERS = {
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "**": ["*"],
  "<": ["<=", ">"],
  ">": [">=", "<"],
  "<=": ["<", ">"],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "&&": ["||"],
  "||": ["&&"],
  "??": ["&&"],
  "+=": ["-="],
  "-=": ["+="],
  "*=": ["/="],
  "/=": ["*="],
  "++": ["--"],
  "--": ["++"],
};

const isText = (node) =>
  node.type === "TemplateLiteral" ||
  (node.type === "Literal" && typeof node.value === "string") ||
  (node.type === "BinaryExpression" && (isText(node.left) || isText(node.right)));

// Where a sign stands between two places of the source.
function sign(operator, from, to) {
  const start = from + source.slice(from, to).indexOf(operator);
  return [start, start + operator.length];
}

// What may stand instead of some of a node: [start, end, text].
function* changes(node) {
  const { type, operator, start, end } = node;
  if (["BinaryExpression", "LogicalExpression", "AssignmentExpression"].includes(type) && !isText(node)) {
    if (type === "AssignmentExpression" && isText(node.right)) return;
    const place = sign(operator, node.left.end, node.right.start);
    for (const other of OTHERS[operator] ?? []) yield [...place, other];
  } else if (type === "UpdateExpression") {
    const place = node.prefix ? sign(operator, start, node.argument.start) : sign(operator, node.argument.end, end);
    yield [...place, OTHERS[operator][0]];
  } else if (type === "Literal" && typeof node.value === "number") {
    for (const other of [node.value + 1, node.value - 1]) yield [start, end, other < 0 ? `(${other})` : String(other)];
  } else if (type === "Literal" && typeof node.value === "boolean") {
    yield [start, end, String(!node.value)];
  } else if (type === "UnaryExpression" && ["!", "-"].includes(operator)) {
    yield [start, node.argument.start, operator === "!" ? "!!" : "+"];
  } else if (["IfStatement", "ConditionalExpression", "WhileStatement"].includes(type)) {
    const { test } = node;
    const isSign = test.type === "BinaryExpression" || (test.type === "UnaryExpression" && test.operator === "!");
    if (!isSign) yield [test.start, test.end, `!(${source.slice(test.start, test.end)})`];
  } else if (type === "BreakStatement" || type === "ContinueStatement") {
    yield [start, end, type === "BreakStatement" ? "continue;" : "break;"];
  }
}

const nameOf = (node, above) => node.id?.name ?? above?.id?.name ?? above?.key?.name;
const isFunction = ({ type }) => /Function/.test(type);
const found = [];
(function walk(node, above, inside) {
  if (isFunction(node)) inside = [...inside, nameOf(node, above) ?? ""].filter(Boolean);
  if (!names.length || inside.some((name) => names.includes(name))) {
    for (const [start, end, text] of changes(node)) found.push({ start, end, text, inside: inside.join(".") });
  }
  for (const value of Object.values(node)) {
    for (const child of [value].flat()) if (typeof child?.type === "string") walk(child, node, inside);
  }
})(parse(source, { ecmaVersion: "latest" }), null, []);

const row = (place) => source.slice(0, place).split("\n").length;
const seen = new Map();
process.stdout.write(
  JSON.stringify(
    found
      .sort((a, b) => a.start - b.start)
      .map(({ start, end, text, inside }) => {
        const first = row(start);
        const line = lines[first - 1].trim();
        const change = `${source.slice(start, end).replace(/\s+/g, " ")} -> ${text.replace(/\s+/g, " ")}`;
        const name = JSON.stringify([inside, line, change]);
        seen.set(name, (seen.get(name) ?? 0) + 1);
        const mutated = source.slice(0, start) + text + source.slice(end);
        return { function: inside, first, last: row(end), line, change, number: seen.get(name), source: mutated };
      }),
  ),
);
