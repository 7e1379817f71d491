/** The first sentence of the console: whether something is wrong, what, and since when. */
import type { ReactNode } from "react";
import type { Link as Connection } from "../../live/feed";
import type { Incident, Now } from "../../live/shapes";
import type { Words } from "../../messages/language";
import { sentenceOf, worstFirst } from "../../parts/deviation";
import { say } from "../../parts/said";
import { clock } from "../../parts/times";
import { eventNow } from "./event-now";

export type Tone = "normal" | "alarm" | "unsure";
export type Status = { tone: Tone; headline: ReactNode; worst?: Incident; notes: string[] };

/** Causes under which "all is normal" would be a guess. */
const BLIND = new Set([
  "no_input",
  "catching_up",
  "all_silent",
  "source_unreadable",
  "schema_drift",
  "state_missing",
  "state_unreadable",
  "disk_full",
  "log_full",
]);

function bold(text: string): ReactNode {
  return <em>{text}</em>;
}

/** Whether nobody judges what is counted here: no detect block, or only the part `count` runs. */
export function isUnwatched(now: Now): boolean {
  return now.engine.status === "running" && now.watches != null && Object.keys(now.watches).length === 0;
}

/** @param lost_long whether the link has been down for more than a blink. */
export function statusOf(words: Words, now: Now | undefined, link: Connection, lost_long: boolean): Status {
  const { t, locale } = words;
  if (link.state === "lost" && (lost_long || !now)) {
    const time = clock(locale, link.since_ms * 1000);
    return { tone: "unsure", headline: t("status.unknown", { time }), notes: [t("status.unknown.note")] };
  }
  if (!now) return { tone: "unsure", headline: t("status.waiting"), notes: [] };
  const causes = now.health.causes.filter((cause) => !cause.code.startsWith("engine_"));
  const told = causes.map((cause) => say(words, "health", cause));
  if (now.engine.status !== "running") {
    const since = now.engine.since_us;
    const key = now.engine.status === "silent" ? "status.silent" : "status.stopped";
    const headline = since ? t(key, { time: clock(locale, since) }) : t("status.stopped.never");
    return { tone: "unsure", headline, notes: [t("status.unknown.note"), ...told] };
  }
  const worst = worstFirst(Object.values(now.incidents))[0];
  if (worst) {
    const { key, values } = sentenceOf(words, worst);
    const marks = { times: bold, percent: bold, observed: bold };
    return { tone: "alarm", headline: words.rich(key, values, marks), worst, notes: told };
  }
  const catching = causes.some((cause) => cause.code === "catching_up");
  if (catching) return { tone: "unsure", headline: t("status.catching", { time: clock(locale, eventNow(now)) }), notes: [] };
  const blind = causes.find((cause) => now.health.status === "red" || BLIND.has(cause.code));
  if (blind) return { tone: "unsure", headline: t("status.health", { cause: say(words, "health", blind) }), notes: [] };
  if (isUnwatched(now)) return { tone: "normal", headline: t("status.counting"), notes: [t("status.counting.note"), ...told] };
  return { tone: "normal", headline: t("status.normal"), notes: told };
}
