/** The status as the largest thing on the page, with one line under it. */
import type { Link as Connection } from "../../live/feed";
import type { Now } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { surenessOf } from "../../parts/deviation";
import { oddness, whole } from "../../parts/figures";
import { useTick } from "../../parts/tick";
import { ago, span } from "../../parts/times";
import { Link } from "../../shell/link";
import { eventNow } from "./event-now";
import { isUnwatched, statusOf } from "./status";

const BLINK_MS = 4000;

export function Headline({ now, link, at_ms }: { now: Now | undefined; link: Connection; at_ms: number }) {
  const words = useWords();
  const { t } = words;
  const clock_ms = useTick();
  const status = statusOf(words, now, link, clock_ms - link.since_ms > BLINK_MS);
  const { worst } = status;
  const more = (now?.incidents_open ?? 0) - 1;
  return (
    <section className={`status status--${status.tone}`} data-testid="status" data-tone={status.tone}>
      <p className={`eyebrow eyebrow--${status.tone}`}>
        {t(now && isUnwatched(now) && status.tone === "normal" ? "status.eyebrow.counting" : `status.eyebrow.${status.tone}`)}
      </p>
      <h1 className="headline" data-testid="headline">
        {status.headline}
      </h1>
      <p className="status__line">
        {worst && now && (
          <>
            <span>{span(words, (eventNow(now, worst) - worst.since_us) / 1e6)}</span>
            <span>{surenessOf(words, worst.confidence)}</span>
            <span>{oddness(words, worst.score)}</span>
            {more > 0 && <span>{t("status.more", { n: more })}</span>}
            <Link to={`/incidents/${worst.id}`} className="status__look">
              {t("status.look")} <span aria-hidden="true">→</span>
            </Link>
          </>
        )}
        {status.tone === "normal" && now && <Calm now={now} checked_s={(clock_ms - at_ms) / 1000} />}
        {status.notes.map((note) => (
          <span key={note} className={status.tone === "normal" ? "is-unsure" : ""}>
            {note}
          </span>
        ))}
      </p>
    </section>
  );
}

/** What is worth saying while nothing is wrong. */
function Calm({ now, checked_s }: { now: Now; checked_s: number }) {
  const words = useWords();
  const last = now.recent[0];
  const keys = Object.values(now.watches ?? {}).reduce((sum, watch) => sum + watch.scope, 0);
  const over_s = last?.closed_us ? (eventNow(now) - last.closed_us) / 1e6 : null;
  return (
    <>
      <span>{words.t("status.normal.note", { ago: ago(words, checked_s) })}</span>
      {keys > 0 && <span>{words.t("status.normal.watched", { n: whole(words.locale, keys) })}</span>}
      {over_s !== null && <span>{words.t("status.normal.last", { ago: ago(words, over_s) })}</span>}
    </>
  );
}
