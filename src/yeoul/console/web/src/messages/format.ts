/** Fills a catalogue's sentence: `{name}` takes a value, `{name|a|b}` the form that fits it. */

export type Values = Record<string, string | number>;
export type Piece = { text: string; name?: string };

const PLACE = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g;

/** Whether a Korean particle after this text takes the form for a final consonant (은, 이, 을, 으로). */
export function endsClosed(text: string): boolean {
  const last = [...text.replace(/[\s)\]"'’”]+$/u, "")].at(-1) ?? "";
  const code = last.codePointAt(0) ?? 0;
  if (code >= 0xac00 && code <= 0xd7a3) return (code - 0xac00) % 28 !== 0;
  // Read aloud: 0 영, 1 일, 3 삼, 6 육, 7 칠, 8 팔; of the letters L, M, N, R.
  return /[013678lmnr]/i.test(last);
}

function fits(language: string, value: string | number): boolean {
  if (language === "ko") return endsClosed(String(value));
  return new Intl.PluralRules(language).select(Number(String(value).replaceAll(",", ""))) === "one";
}

/** The sentence in pieces, so that a page can mark up the values in it. */
export function pieces(language: string, template: string, values: Values): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of template.matchAll(PLACE)) {
    const [whole, name = "", first, second] = match;
    if (match.index > at) found.push({ text: template.slice(at, match.index) });
    const value = values[name] ?? "";
    if (first === undefined) found.push({ text: String(value), name });
    else found.push({ text: (fits(language, value) ? first : second) ?? "" });
    at = match.index + whole.length;
  }
  if (at < template.length) found.push({ text: template.slice(at) });
  return found;
}

export function fill(language: string, template: string, values: Values = {}): string {
  return pieces(language, template, values)
    .map((piece) => piece.text)
    .join("");
}

/** Names of the places in a template, for the test that languages agree. */
export function places(template: string): string[] {
  return [...new Set([...template.matchAll(PLACE)].map((match) => match[1] ?? ""))].sort();
}
