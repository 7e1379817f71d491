/** What is abnormal about an incident, as a sentence of the catalogue and its values. */
import type { Incident } from "../live/shapes";
import type { Words } from "../messages/language";
import { figure, percent, times } from "./figures";
import { who } from "./naming";
import { clock } from "./times";

type Kind = "up" | "up.new" | "down" | "down.zero" | "mixed";

export function kindOf(incident: Pick<Incident, "direction" | "observed" | "expected">): Kind {
  const { direction, observed, expected } = incident;
  if (direction === "up" && expected <= 0) return "up.new";
  // A course can be odd while its sum is as ever: then a ratio says nothing.
  if (direction === "up") return observed >= 1.05 * expected ? "up" : "mixed";
  if (direction === "down" && observed === 0) return "down.zero";
  if (direction === "down") return observed <= 0.95 * expected ? "down" : "mixed";
  return "mixed";
}

function values(words: Words, incident: Incident) {
  const { observed, expected } = incident;
  const ratio = expected > 0 ? observed / expected : 0;
  return {
    who: who(words, incident),
    times: words.t("incident.times", { n: times(words.locale, ratio) }),
    percent: words.t("incident.percent", { n: percent(words.locale, Math.max(0, 1 - ratio)) }),
    observed: figure(words.locale, observed),
    expected: figure(words.locale, expected),
    time: clock(words.locale, incident.since_us),
    end: incident.closed_us ? clock(words.locale, incident.closed_us) : "",
  };
}

/** Who, what, since when: all in one line. */
export function sentenceOf(words: Words, incident: Incident) {
  const kind = kindOf(incident);
  const key = incident.closed_us ? (`incident.past.${kind}` as const) : (`incident.${kind}` as const);
  return { key, values: values(words, incident), text: words.t(key, values(words, incident)) };
}

/** Only what: for rows that name who and since when elsewhere. */
export function deviationOf(words: Words, incident: Incident): string {
  return words.t(`incident.short.${kindOf(incident)}`, values(words, incident));
}

/** Worst first: the score, then how many it touches, then the newest. */
export function worstFirst(incidents: Incident[]): Incident[] {
  return [...incidents].sort(
    (a, b) =>
      b.score - a.score || b.keys_total - a.keys_total || b.since_us - a.since_us || (a.id < b.id ? -1 : 1),
  );
}

export function surenessOf(words: Words, confidence: number): string {
  if (confidence >= 0.8) return words.t("incident.sure.high");
  return words.t(confidence >= 0.5 ? "incident.sure.middle" : "incident.sure.low");
}
