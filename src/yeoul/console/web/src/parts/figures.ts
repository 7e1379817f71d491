/** Numbers as people read them: few digits, the same width, the language's own separators. */
import type { Words } from "../messages/language";

export function whole(locale: string, value: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value);
}

/** Three significant digits below a thousand, whole above: 0.412, 3.4, 48, 1,240. */
export function figure(locale: string, value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return whole(locale, value);
  return new Intl.NumberFormat(locale, { maximumFractionDigits: size >= 10 ? 1 : 2 }).format(value);
}

/** What flows in a second, as far as it is steady: 0.4, 8.3, 94. */
export function rate(locale: string, value: number): string {
  return value >= 10 ? whole(locale, value) : figure(locale, value);
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
export function odds(locale: string, score: number): string {
  const n = 10 ** (6 * Math.min(Math.max(score, 0), 1));
  const unit = 10 ** Math.floor(Math.log10(n));
  return whole(locale, Math.round(n / unit) * unit);
}

/** How odd a score is, in words. */
export function oddness({ t, locale }: Pick<Words, "t" | "locale">, score: number): string {
  return t(score >= 1 ? "incident.odd.most" : "incident.odd.value", { n: odds(locale, score) });
}

/** A change against the past (0 is as ever): 2.8× from twice on, +40 % and -10 % below. */
export function change(locale: string, trend: number): string {
  if (trend >= 1) return `${times(locale, 1 + trend)}×`;
  const value = Math.round(trend * 100);
  const shown = new Intl.NumberFormat(locale, { signDisplay: "exceptZero" }).format(value);
  return `${shown.replace("-", "−")} %`;
}
