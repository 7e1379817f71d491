/** What was planted, and how long it took to be found. */
import { useTopic } from "../../live/hooks";
import type { Key, Now, Planted } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { keyName, keyText } from "../../parts/naming";
import { useTick } from "../../parts/tick";
import { clock, span } from "../../parts/times";
import { Link } from "../../shell/link";

export function PlantedList({ planted }: { planted: Planted[] }) {
  const { t } = useWords();
  const now_ms = useTick();
  return (
    <section className="section" aria-labelledby="planted-head">
      <h2 id="planted-head">{t("demo.planted")}</h2>
      {planted.length === 0 && <p className="note">{t("demo.planted.none")}</p>}
      <ol className="planted" data-testid="planted">
        {planted.map((each) => (
          <Entry key={each.id} planted={each} now_ms={now_ms} />
        ))}
      </ol>
    </section>
  );
}

function Entry({ planted, now_ms }: { planted: Planted; now_ms: number }) {
  const words = useWords();
  const { coded } = words;
  const who = planted.keys.slice(0, 3).map((key) => keyName(words, key)).join(", ");
  return (
    <li className="planted__entry" data-id={planted.id} data-status={planted.status} data-testid="planted-entry">
      <p>
        <b>{coded("demo.kind", planted.kind) ?? planted.kind}</b> {who}
        {planted.keys.length > 3 && " …"}
      </p>
      <p className="note">{statusText(words, planted)}</p>
      <p>
        <Found planted={planted} now_ms={now_ms} />
      </p>
    </li>
  );
}

function statusText({ t, locale }: ReturnType<typeof useWords>, planted: Planted): string {
  const time = (us: number | null | undefined) => (us ? clock(locale, us, true) : "–");
  if (planted.status === "refused") return t("demo.status.refused", { reason: planted.reason ?? "–" });
  if (planted.status === "running") return t("demo.status.running", { time: time(planted.start_us) });
  if (planted.status === "over") return t("demo.status.over", { time: time(planted.end_us) });
  return t(`demo.status.${planted.status}`);
}

/** Where a title stands now in any ranking over all. */
function placeOf(rankings: Now["rankings"], key: Key) {
  const text = keyText(key);
  return Object.values(rankings)
    .flat()
    .find((place) => keyText(place.key) === text);
}

function Found({ planted, now_ms }: { planted: Planted; now_ms: number }) {
  const words = useWords();
  const hot = useTopic<Now>("now").data?.rankings;
  const { t } = words;
  const incident = planted.incidents[0];
  if (incident !== undefined) {
    return (
      <Link to={`/incidents/${incident}`} className="planted__found" data-testid="found">
        {t("demo.found", { span: span(words, planted.delay_s ?? 0) })}
      </Link>
    );
  }
  const place = hot && planted.keys[0] ? placeOf(hot, planted.keys[0]) : undefined;
  if (planted.kind === "viral" && place) {
    return (
      <Link to="/" className="planted__found" data-testid="found">
        {t("demo.hot", { n: place.place })}
      </Link>
    );
  }
  if (planted.status === "running" && planted.start_us) {
    return <>{t("demo.looking", { span: span(words, now_ms / 1000 - planted.start_us / 1e6) })}</>;
  }
  return planted.status === "over" ? <span className="is-alarm">{t("demo.missed")}</span> : null;
}
