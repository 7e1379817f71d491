/** Keys of the catalogues, and which languages there are. */
import type { en } from "./en";

export type MessageKey = keyof typeof en;
export type Catalogue = Record<MessageKey, string>;
export type Language = "en" | "ko";

export const LANGUAGES: readonly Language[] = ["ko", "en"];

/** Languages in their own names: not translated, so that anyone finds theirs. */
export const LANGUAGE_NAMES: Record<Language, string> = { ko: "한국어", en: "English" };
