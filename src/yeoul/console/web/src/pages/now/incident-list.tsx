/** Incidents as lines: who, what, since when, and the stretch of the last hour that they cover. */
import type { Incident, Now } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { Causes } from "../../parts/causes";
import { deviationOf, surenessOf, worstFirst } from "../../parts/deviation";
import { Moment } from "../../parts/moment";
import { keyIds, who } from "../../parts/naming";
import { span } from "../../parts/times";
import { Link } from "../../shell/link";
import { eventNow } from "./event-now";

const SHOWN = 8;
const SHOWN_OVER = 4;
const HOUR_US = 3_600_000_000;

export function OpenIncidents({ now }: { now: Now }) {
  const { t } = useWords();
  const open = worstFirst(Object.values(now.incidents));
  if (open.length === 0) return null;
  const hidden = now.incidents_open - Math.min(open.length, SHOWN);
  return (
    <section className="section" aria-labelledby="open-head" data-testid="open-incidents">
      <div className="section__head">
        <h2 id="open-head">{t("now.open")}</h2>
        <Link to="/incidents" className="note">
          {t("now.all")}
        </Link>
      </div>
      <ul className="incidents">
        {open.slice(0, SHOWN).map((incident) => (
          <Line key={incident.id} incident={incident} now_us={eventNow(now, incident)} />
        ))}
      </ul>
      {hidden > 0 && <Link to="/incidents?state=open">{t("status.more", { n: hidden })}</Link>}
    </section>
  );
}

export function RecentIncidents({ now }: { now: Now }) {
  const { t } = useWords();
  if (now.recent.length === 0) return null;
  return (
    <section className="section" aria-labelledby="recent-head" data-testid="recent-incidents">
      <div className="section__head">
        <h2 id="recent-head">{t("now.recent")}</h2>
        {now.incidents_open === 0 && (
          <Link to="/incidents" className="note">
            {t("now.all")}
          </Link>
        )}
      </div>
      <ul className="incidents incidents--over">
        {now.recent.slice(0, SHOWN_OVER).map((incident) => (
          <Line key={incident.id} incident={incident} now_us={eventNow(now)} />
        ))}
      </ul>
    </section>
  );
}

function Line({ incident, now_us }: { incident: Incident; now_us: number }) {
  const words = useWords();
  const end_us = incident.closed_us ?? now_us;
  const ids = incident.keys_total === 1 && incident.keys[0] ? keyIds(incident.keys[0]) : "";
  return (
    <li className="incident-line" data-testid="incident-line" data-id={incident.id}>
      <div className="incident-line__who">
        <Link to={`/incidents/${incident.id}`}>{who(words, incident)}</Link>
        {ids && <span className="note"> {ids}</span>}
      </div>
      <div className="incident-line__what">{deviationOf(words, incident)}</div>
      <div className="incident-line__when">
        <Moment us={incident.since_us} />
        {incident.closed_us ? (
          <>
            –<Moment us={incident.closed_us} />
          </>
        ) : null}
        <span className="note"> {span(words, (end_us - incident.since_us) / 1e6)}</span>
      </div>
      <div className="incident-line__sure note">{surenessOf(words, incident.confidence)}</div>
      <Causes causes={incident.causes} most={1} />
      <Lane from_us={incident.since_us} to_us={end_us} now_us={now_us} />
    </li>
  );
}

function Lane({ from_us, to_us, now_us }: { from_us: number; to_us: number; now_us: number }) {
  const part = (at_us: number) => Math.min(1, Math.max(0, 1 - (now_us - at_us) / HOUR_US)) * 100;
  const left = part(from_us);
  return (
    <div className="lane" aria-hidden="true">
      <div style={{ left: `${left}%`, width: `max(3px, ${part(to_us) - left}%)` }} />
    </div>
  );
}
