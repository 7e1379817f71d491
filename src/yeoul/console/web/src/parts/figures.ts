/** Numbers as people read them: few digits, the same width, the language's own separators. */

export function whole(locale: string, value: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value);
}

/** Three significant digits below a thousand, whole above: 0.412, 3.4, 48, 1,240. */
export function figure(locale: string, value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return whole(locale, value);
  return new Intl.NumberFormat(locale, { maximumFractionDigits: size >= 10 ? 1 : 2 }).format(value);
}

/** How many times as much: 3.4, 12, 240. */
export function times(locale: string, value: number): string {
  const digits = value < 10 ? 1 : 0;
  return new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export function percent(locale: string, share: number): string {
  const value = share * 100;
  const digits = value > 0 && value < 1 ? 2 : value < 10 ? 1 : 0;
  // Never "100 %" of what is not all, never "0 %" of what is something.
  const shown = share < 1 ? Math.min(value, 99.9) : value;
  return new Intl.NumberFormat(locale, { maximumFractionDigits: shown > 99 ? 1 : digits }).format(shown);
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function size(locale: string, bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${figure(locale, value)} ${UNITS[unit]}`;
}

/** Large counts in few letters: 12.4k, 3.1M; Korean counts in 만 and 억. */
export function short(locale: string, value: number): string {
  if (Math.abs(value) < 10_000) return whole(locale, value);
  return new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** "1 in N" of a score, by score = min(1, -log10 p / 6): at most a million. */
export function oneIn(locale: string, score: number): string {
  const odds = 10 ** (6 * Math.min(Math.max(score, 0), 1));
  const digits = Math.max(0, Math.floor(Math.log10(odds)));
  const rounded = Math.round(odds / 10 ** digits) * 10 ** digits;
  return `${score >= 1 ? "≥ " : ""}${whole(locale, rounded)}`;
}
