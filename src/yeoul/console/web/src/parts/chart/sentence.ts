/** A chart in words, for those who do not see it. */
import type { Words } from "../../messages/language";
import { figure } from "../figures";
import { clock } from "../times";
import { type Drawing, outside } from "./drawing";

export function chartSentence(words: Words, drawing: Drawing): string {
  const { t, locale } = words;
  const first = drawing.at_us[0];
  const last = drawing.at_us.at(-1);
  if (first === undefined || last === undefined) return `${drawing.title}: ${t("chart.empty")}`;
  const parts = drawing.lines.map(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    return t("chart.sentence.series", {
      label,
      last: figure(locale, known.at(-1) ?? 0),
      low: figure(locale, known.reduce((a, b) => Math.min(a, b), known[0] ?? 0)),
      high: figure(locale, known.reduce((a, b) => Math.max(a, b), known[0] ?? 0)),
    });
  });
  const all = drawing.at_us.length;
  if (drawing.band) {
    const n = drawing.at_us.filter((_, at) => outside(drawing, at)).length;
    parts.push(t("chart.sentence.outside", { n, all }));
  }
  if (drawing.spans?.length) parts.push(t("chart.sentence.spans", { n: drawing.spans.length }));
  return t("chart.sentence", {
    title: drawing.title,
    from: clock(locale, first),
    to: clock(locale, last),
    series: parts.join("; "),
  });
}
