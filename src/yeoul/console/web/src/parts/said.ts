/** Codes with parameters from the server, as sentences; what the catalogue does not know is shown as it came. */
import type { KeyPart, Params, Said } from "../live/shapes";
import type { Values } from "../messages/format";
import type { Words } from "../messages/language";
import { figure, percent } from "./figures";
import { isKey, keyName } from "./naming";
import { clock } from "./times";

function text(words: Words, name: string, value: unknown): string {
  if (typeof value === "number") {
    return name.endsWith("_us") ? clock(words.locale, value, true) : figure(words.locale, value);
  }
  if (isKey(value)) return keyName(words, value);
  if (Array.isArray(value)) return value.slice(0, 3).map((each) => text(words, name, each)).join(", ");
  if (typeof value === "object" && value !== null && "key" in value) {
    const { key, share } = value as { key: KeyPart[]; share?: number };
    return share === undefined ? keyName(words, key) : `${keyName(words, key)} ${percent(words.locale, share)} %`;
  }
  return value === null || value === undefined ? "–" : String(value);
}

export function valuesOf(words: Words, params: Params): Values {
  const values: Values = {};
  for (const [name, value] of Object.entries(params)) values[name.replace(/_us$/, "")] = text(words, name, value);
  if (typeof params["share"] === "number") values["percent"] = percent(words.locale, params["share"]);
  return values;
}

export function say(words: Words, prefix: string, said: Said): string {
  return words.coded(prefix, said.code, valuesOf(words, said.params ?? {})) ?? said.code.replaceAll("_", " ");
}
