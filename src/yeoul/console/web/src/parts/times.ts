/** Times for people: local clock, the date only when it is another day, spans in one unit. */
import type { Words } from "../messages/language";

const DAY_S = 86_400;

export function utcText(at_us: number): string {
  return new Date(at_us / 1000).toISOString().replace("T", " ").replace(/\.\d+Z$/, "");
}

/** The zone of all times on the page, and how far it is from UTC: Asia/Seoul, +9. */
export function zone(at: Date = new Date()): { zone: string; offset: string } {
  const minutes = -at.getTimezoneOffset();
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  const offset = `${minutes < 0 ? "−" : "+"}${hours}${rest ? `:${String(rest).padStart(2, "0")}` : ""}`;
  return { zone: new Intl.DateTimeFormat().resolvedOptions().timeZone, offset };
}

function sameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString();
}

/** 20:10, with seconds if asked for; 2 Mar 20:10 when it is not today. */
export function clock(locale: string, at_us: number, seconds = false, today: Date = new Date()): string {
  const at = new Date(at_us / 1000);
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (seconds) options.second = "2-digit";
  if (!sameDay(at, today)) Object.assign(options, { day: "numeric", month: "short" });
  if (at.getFullYear() !== today.getFullYear()) options.year = "numeric";
  return new Intl.DateTimeFormat(locale, options).format(at);
}

export function span(words: Pick<Words, "t">, seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return words.t("time.s", { n: s });
  if (s < 3600) return words.t("time.min", { n: Math.floor(s / 60) });
  if (s < DAY_S) {
    const minutes = Math.floor((s % 3600) / 60);
    const hours = words.t("time.h", { n: Math.floor(s / 3600) });
    return minutes && s < 6 * 3600 ? `${hours} ${words.t("time.min", { n: minutes })}` : hours;
  }
  return words.t("time.d", { n: Math.floor(s / DAY_S) });
}

export function ago(words: Pick<Words, "t">, seconds: number): string {
  return words.t("time.ago", { span: span(words, seconds) });
}
