/** Why a request was refused, in the page's language where the catalogue knows the code. */
import { Refused } from "../live/rest";
import type { Words } from "../messages/language";
import { valuesOf } from "./said";

export function refusal(words: Words, error: unknown): string {
  if (!(error instanceof Refused)) return error instanceof Error ? error.message : String(error);
  return words.coded("error", error.said.code, valuesOf(words, error.said.params ?? {})) ?? error.message;
}
