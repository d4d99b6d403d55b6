// What could stand here? Keys and values by the JSON Schema of policies, and names that the text itself gives.

// A key whose value is a name that stands elsewhere: in which section, and whether as a key or as `name:` of a row.
const NAMED = {
  pool: "pools", backup_pool: "pools", review: "pools", give_to_pool: "pools", program: "programs",
  service_level: "service_levels", chase: "chases", segment: "segments", deal_band: "deal_bands",
};
const KEY = /^("[^"]*"|'[^']*'|[\w.-]+)\s*:(?:\s+(.*)|$)/;

// A source of completions; `address` has the schema, the fields there are, and values of people and teams.
export function suggestions(address) {
  let words;
  return async (context) => {
    if (!address) return null;
    const before = context.matchBefore(/[\w.-]*/);
    if (!context.explicit && before.from === before.to) return null;
    words ??= fetch(address).then((answer) => answer.json());
    const known = await words;
    const { path, key, isValue } = placeOf(context.state, before.from);
    const nodes = path.reduce((found, step) => found.flatMap((node) => below(node, step, known.schema)), spread(known.schema, known.schema));
    const options = isValue ? values(nodes, key, path, known, context.state) : keys(nodes, path, known);
    return options.length ? { from: before.from, options, validFor: /^[\w.-]*$/ } : null;
  };
}

// ---------------------------------------------------------------- where in the document

// The path of keys (and `[]` for rows) above a position, the key whose value it is in, if it is in one.
export function placeOf(state, position) {
  const line = state.doc.lineAt(position);
  const typed = line.text.slice(0, position - line.from);
  const [, indent, dashes, rest] = /^(\s*)((?:-\s+)*)(.*)$/.exec(typed);
  const path = above(state, line.number, indent.length, dashes.length);
  return within(path, rest);
}

function above(state, number, indent, dashes) {
  const path = [];
  let need = indent + dashes, atRow = false;
  if (dashes) path.unshift("[]"), (need = indent), (atRow = true);
  for (let n = number - 1; n > 0 && (need > 0 || atRow); n--) {
    const [, i, d, rest] = /^(\s*)((?:-\s+)*)(.*)$/.exec(state.doc.line(n).text);
    if (!rest || rest.startsWith("#")) continue;
    const column = i.length + d.length, key = KEY.exec(rest);
    const opens = key && (!key[2] || key[2].startsWith("#"));
    if (opens && (column < need || (atRow && !d && column === need))) {
      path.unshift(bare(key[1]));
      need = column;
      atRow = false;
      if (d) path.unshift("[]"), (need = i.length), (atRow = true);
    } else if (d && column === need && !atRow) path.unshift("[]"), (need = i.length), (atRow = true);
  }
  return path;
}

// Goes on into what stands on the line itself: `when: {country: `.
function within(path, text) {
  const frames = [{ path, key: null, isValue: false, isList: false }];
  for (const [token] of text.matchAll(/"[^"]*"|'[^']*'|[\w.-]+|[{}[\],:]/g)) {
    const frame = frames.at(-1);
    const inside = frame.isValue && frame.key ? [...frame.path, frame.key] : frame.path;
    if (token === "{") frames.push({ path: frame.isList ? [...frame.path, "[]"] : inside, key: null, isValue: false, isList: false });
    else if (token === "[") frames.push({ path: frame.isList ? [...frame.path, "[]"] : inside, key: null, isValue: true, isList: true });
    else if (token === "}" || token === "]") frames.length > 1 && frames.pop();
    else if (token === ":") frame.isValue = true;
    else if (token === ",") (frame.isValue = frame.isList), frame.isList || (frame.key = null);
    else if (!frame.isValue) frame.key = bare(token);
  }
  const { path: there, key, isValue, isList } = frames.at(-1);
  return isList ? { path: [...there, "[]"], key: there.at(-1), isValue: true } : { path: isValue && key ? [...there, key] : there, key, isValue };
}

const bare = (text) => text.replace(/^["']|["']$/g, "");

// ---------------------------------------------------------------- what the schema says of it

function spread(node, schema) {
  if (!node || node === true) return [];
  if (node.$ref) return spread({ ...schema.$defs[node.$ref.split("/").at(-1)], description: node.description }, schema);
  return node.anyOf ? node.anyOf.flatMap((one) => spread(one, schema)) : [node];
}

function below(node, step, schema) {
  if (step === "[]") return spread(node.items, schema);
  return spread(node.properties?.[step] ?? node.additionalProperties, schema);
}

function keys(nodes, path, known) {
  const options = nodes.flatMap((node) => Object.entries(node.properties ?? {}))
    .map(([label, node]) => ({ label, apply: `${label}: `, info: node.description, type: "property" }));
  // A condition is about fields: of people in `members`, of leads elsewhere.
  const isCondition = nodes.some((node) => node.additionalProperties?.$ref?.endsWith("/Test"));
  const fields = isCondition ? known[path.includes("members") ? "person_fields" : "lead_fields"] : [];
  return once([...options, ...fields.map(({ name, words }) => ({ label: name, apply: `${name}: `, detail: words, type: "variable" }))]);
}

function values(nodes, key, path, known, state) {
  const given = nodes.flatMap((node) => node.enum ?? (node.const !== undefined ? [node.const] : node.type === "boolean" ? [true, false] : []));
  const named = NAMED[key] ? namesIn(state, NAMED[key]) : [];
  const field = [...path].reverse().find((step) => known.values[step]);
  const possible = [...given, ...named, ...(field ? known.values[field] : []), ...(key === "signal" || path[0] === "intent" ? known.signals : [])];
  return once(possible.filter((one) => one !== null).map((one) => ({ label: String(one), type: "constant" })));
}

const once = (options) => [...new Map(options.map((one) => [one.label, one])).values()];

// The names that a section of the text gives: its keys, or `name:` of its rows.
function namesIn(state, section) {
  const names = [];
  let isInside = false;
  for (const line of state.doc.toString().split("\n")) {
    if (/^\S/.test(line) && !line.startsWith("#")) isInside = line.startsWith(`${section}:`);
    else if (isInside) {
      const found = /^\s*-\s+\{?\s*name:\s*([^,}#]+)/.exec(line) ?? /^ {2}([\w-]+):/.exec(line);
      if (found) names.push(bare(found[1].trim()));
    }
  }
  return names;
}
