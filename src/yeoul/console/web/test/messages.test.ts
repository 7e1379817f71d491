import { describe, expect, it } from "vitest";
import { LANGUAGES } from "../src/messages/catalogue";
import { en } from "../src/messages/en";
import { endsClosed, fill, places } from "../src/messages/format";
import { ko } from "../src/messages/ko";
import { startLanguage } from "../src/messages/language";

// Source files as text: a key that no page says is a leftover.
const SOURCES = import.meta.glob("../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const SPOKEN = Object.entries(SOURCES)
  .filter(([path]) => !path.includes("/messages/"))
  .map(([, text]) => String(text))
  .join("\n");
// Families whose last part is a code of the server or of the code.
const CODED = /^(error|health|why|change|split|notice|move|ledger|demo\.(kind|target|status)|incident\.(past|short|up|down|mixed)|status\.eyebrow|policy\.(volume|history|effect|chance|muted)$|link|theme|nav)\b/;

describe("the catalogues", () => {
  it("have the same keys in every language", () => {
    expect(Object.keys(ko).sort()).toEqual(Object.keys(en).sort());
    expect(LANGUAGES).toHaveLength(2);
  });

  it("take the same values in every language", () => {
    // What was observed or expected may be left out where a language says it otherwise.
    const optional = new Set(["observed", "expected"]);
    const needed = (text: string) => places(text).filter((name) => !optional.has(name));
    const keys = Object.keys(en) as (keyof typeof en)[];
    expect(keys.filter((key) => needed(ko[key]).join() !== needed(en[key]).join())).toEqual([]);
    expect(keys.filter((key) => ko[key].trim() === "" || en[key].trim() === "")).toEqual([]);
  });

  it("hold no sentence that no page says", () => {
    const unsaid = Object.keys(en).filter((key) => !CODED.test(key) && !SPOKEN.includes(`"${key}"`));
    expect(unsaid).toEqual([]);
  });
});

describe("filling a sentence", () => {
  it.each([
    [1, "1 incident"],
    [2, "2 incidents"],
    ["1,204", "1,204 incidents"],
  ])("takes the English form that fits %s", (n, said) => {
    expect(fill("en", "{n} {n|incident|incidents}", { n })).toBe(said);
  });

  it.each([
    ["한빛", true],
    ["여울 미디어", false],
    ["CP0010", true],
    ["CP0012", false],
    ["hits (1)", true],
    ["", false],
  ])("knows whether %s ends in a final consonant", (text, closed) => {
    expect(endsClosed(text)).toBe(closed);
  });

  it("leaves out what it was not given rather than showing a place", () => {
    expect(fill("en", "since {time}", {})).toBe("since ");
  });
});

describe("the language at the start", () => {
  it.each([
    ["the address", "ko", "en", ["en-GB"], "ko"],
    ["the server's setting", null, "ko", ["en-GB"], "ko"],
    ["the browser's first language that there is", null, "auto", ["fr-FR", "ko-KR", "en"], "ko"],
    ["English when there is no other", "xx", "auto", ["fr-FR"], "en"],
  ] as const)("is that of %s", (_, asked, setting, browser, language) => {
    expect(startLanguage(asked, setting, browser)).toBe(language);
  });
});
