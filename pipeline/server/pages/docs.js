/** The OpenAPI document of this server, as a page. */

import { element, request } from "./common.js";

const at = (id) => document.getElementById(id);

/** A text in which `…` marks code. */
function prose(text) {
  return text.split("`").map((part, place) => (place % 2 ? element("code", {}, part) : part));
}

function paragraphs(text) {
  return (text ?? "")
    .trim()
    .split(/\n\s*\n/)
    .filter(Boolean)
    .map((part) => element("p", {}, ...prose(part)));
}

const nameOf = (reference) => reference.split("/").at(-1);

/** The type of a field, as words and links. */
function typeOf(schema) {
  if (schema.$ref) {
    const name = nameOf(schema.$ref);
    return [element("a", { href: `#${name}` }, name)];
  }
  if (schema.allOf) return schema.allOf.flatMap(typeOf);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.flatMap((one, place) => [place ? " or " : "", ...typeOf(one)]);
  if (schema.enum) return [schema.enum.map((one) => JSON.stringify(one)).join(" or ")];
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items ?? {})];
  const { minimum: least, maximum: most } = schema;
  const bounds = [
    ...(least === undefined ? [] : [`from ${least}`]),
    ...(most === undefined ? [] : [`up to ${most}`]),
  ];
  return [[schema.type ?? "anything", ...bounds].join(" ")];
}

/** A table of fields; each is [name, schema, whether it is required, description]. */
function fieldTable(caption, fields) {
  const head = ["Name", "Type", "Default", ""].map((text) =>
    element("th", { scope: "col" }, text),
  );
  head.at(-1).append(element("span", { className: "unseen" }, "Description"));
  const rows = fields.map(([name, schema, isRequired, description]) => {
    const rest = isRequired ? "required" : "";
    const byDefault = schema.default === undefined ? rest : JSON.stringify(schema.default);
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, element("code", {}, name)),
      element("td", {}, ...typeOf(schema)),
      element("td", {}, byDefault),
      element("td", {}, ...prose(description ?? schema.description ?? "")),
    );
  });
  const table = element(
    "table",
    {},
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
  const around = element("div", { className: "scroll" }, table);
  around.tabIndex = 0; // for scrolling by keyboard
  around.setAttribute("role", "group");
  around.setAttribute("aria-label", caption);
  return around;
}

function propertiesOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, field]) => [
    name,
    field,
    required.has(name),
  ]);
}

function schemaOf(content) {
  return Object.values(content ?? {})[0]?.schema;
}

/** The name of an index that is served; that of the examples where a key is needed. */
async function exampleIndex(document_) {
  if (!document_.paths["/v1"]) return null;
  try {
    return (await request("v1")).indexes[0]?.name;
  } catch {
    return null;
  }
}

/** A path with values in place of its parameters; null if one has neither value nor example. */
function filled(path, parameters, index) {
  const values = { index };
  for (const one of parameters) values[one.name] ??= one.schema?.examples?.[0];
  const names = [...path.matchAll(/{(\w+)(:path)?}/g)].map(([, name]) => name);
  if (names.some((name) => values[name] === undefined)) return null;
  return path.replaceAll(/{(\w+)(:path)?}/g, (_, name) => encodeURIComponent(values[name]));
}

/** A command that asks, if the document has examples of all required values. */
function example(path, method, body) {
  const url = `${new URL(".", location.href).href.replace(/\/$/, "")}${path}`;
  if (method !== "post") return null;
  const given = {};
  for (const [name, field, isRequired] of propertiesOf(body)) {
    if (field.examples?.length) given[name] = field.examples[0];
    else if (isRequired) return null;
  }
  const text = JSON.stringify(given).replaceAll("'", "'\\''");
  const lines = [`curl -s '${url}'`, "-H 'Content-Type: application/json'", `-d '${text}'`];
  return element("pre", { tabIndex: 0 }, element("code", {}, lines.join(" \\\n  ")));
}

function operation(path, method, about, schemas, index) {
  const id = `${method}${path.replaceAll(/[^a-z]+/g, "-")}`;
  const section = element(
    "section",
    { "aria-labelledby": id },
    element(
      "h2",
      { id },
      element("span", { className: "method" }, method.toUpperCase()),
      " ",
      element("code", {}, path),
    ),
    ...paragraphs(about.description ?? about.summary),
  );
  if (about.parameters?.length) {
    const fields = about.parameters.map((one) => [
      one.name,
      one.schema,
      one.required,
      one.description,
    ]);
    section.append(fieldTable("Parameters in the address", fields));
  }
  const reference = schemaOf(about.requestBody?.content)?.$ref;
  const body = reference && schemas[nameOf(reference)];
  if (body) section.append(fieldTable("Body, as JSON", propertiesOf(body)));
  const address = filled(path, about.parameters ?? [], index);
  const shown = body && address && example(address, method, body);
  if (shown) section.append(shown);
  const replies = Object.entries(about.responses ?? {}).map(([status, reply]) => {
    const schema = schemaOf(reply.content);
    const what = schema && Object.keys(schema).length ? typeOf(schema) : ["text"];
    const words = status.startsWith("2") ? "" : ` ${reply.description ?? ""}`;
    return element("li", {}, element("strong", {}, status), " ", ...what, words && `:${words}`);
  });
  section.append(element("ul", { className: "replies" }, ...replies));
  return [section, id];
}

try {
  const document_ = await request("openapi.json");
  const schemas = document_.components?.schemas ?? {};
  const index = (await exampleIndex(document_)) ?? undefined;
  at("about").append(...paragraphs(document_.info.description));
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, about] of Object.entries(methods)) {
      const [section, id] = operation(path, method, about, schemas, index);
      at("addresses").append(section);
      const label = [element("code", {}, `${method.toUpperCase()} ${path}`)];
      at("list").append(
        element("li", {}, element("a", { href: `#${id}` }, ...label), ` ${about.summary ?? ""}`),
      );
    }
  }
  for (const [name, schema] of Object.entries(schemas)) {
    const part = element("section", { "aria-labelledby": name }, element("h3", { id: name }, name));
    part.append(...paragraphs(schema.description));
    if (schema.properties) part.append(fieldTable(`Fields of ${name}`, propertiesOf(schema)));
    else part.append(element("p", {}, ...typeOf(schema)));
    at("shapes").append(part);
  }
  at("contents").hidden = at("shapes").hidden = false;
  if (location.hash) at(location.hash.slice(1))?.scrollIntoView();
} catch (error) {
  at("notice").append(
    element("p", { className: "notice" }, "The description could not be loaded. Reload the page."),
  );
  throw error;
}
