/** What keys are called: the name from a lookup first, the id when there is none. */
import type { Words } from "../messages/language";
import type { Incident, Key } from "../live/shapes";

/** What the server calls all keys that are too small to be judged one by one. */
const SMALL = "(small together)";

export function keyName(words: Pick<Words, "t">, key: Key): string {
  if (key.length > 0 && key.every((part) => part.value === SMALL)) return words.t("key.small");
  return key.map((part) => part.name || part.value).join(" · ");
}

/** The ids behind the names, empty when the names are the ids. */
export function keyIds(key: Key): string {
  return key.some((part) => part.name) ? key.map((part) => part.value).join(" · ") : "";
}

export function keyText(key: Key): string {
  return key.map((part) => `${part.field}=${part.value}`).join("&");
}

export function isKey(value: unknown): value is Key {
  return Array.isArray(value) && value.every((part) => typeof part === "object" && part !== null && "value" in part);
}

export function who(words: Pick<Words, "t">, incident: Pick<Incident, "keys" | "keys_total">): string {
  const first = incident.keys[0];
  if (!first) return "–";
  const more = Math.max(incident.keys_total, incident.keys.length) - 1;
  return more > 0 ? words.t("incident.who.more", { first: keyName(words, first), n: more }) : keyName(words, first);
}
