/** Page *Incident*: observed against the expected band, how sure, and what it is made of. */
import { useTopic } from "../../live/hooks";
import type { IncidentDetail } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { Causes } from "../../parts/causes";
import { sentenceOf } from "../../parts/deviation";
import { Link } from "../../shell/link";
import { Changes } from "./changes";
import { Contributors } from "./contributors";
import { FindingTable } from "./finding-table";
import { IncidentFacts } from "./incident-facts";
import { TrackChart } from "./track-chart";
import "./incident.css";

export default function IncidentPage({ id }: { id: string }) {
  const words = useWords();
  const { data, error, updates } = useTopic<IncidentDetail>(`incident:${id}`);
  if (error && !data) return <Gone />;
  if (!data) return <p className="note">{words.t("app.loading")}</p>;
  const { key, values } = sentenceOf(words, data);
  const bold = (text: string) => <em>{text}</em>;
  const tone = data.closed_us ? "over" : "alarm";
  return (
    <article data-testid="incident" data-updated={updates} className={`incident incident--${tone}`}>
      <p className="note">
        <Link to="/incidents">← {words.t("incident.back")}</Link> · <span className="mono">{data.id}</span>
      </p>
      <p className={`eyebrow eyebrow--${tone}`}>{words.t(`status.eyebrow.${tone}`)}</p>
      <h1 className="headline" data-testid="headline">
        {words.rich(key, values, { times: bold, percent: bold, observed: bold })}
      </h1>
      <Causes causes={data.causes} />
      <IncidentFacts incident={data} />
      <TrackChart incident={data} updates={updates} />
      <div className="columns">
        <Contributors contributors={data.contributors} />
        <Changes changes={data.changes} />
      </div>
      <FindingTable findings={data.finding_list} updates={updates} />
    </article>
  );
}

function Gone() {
  const { t } = useWords();
  return (
    <>
      <h1 className="headline">{t("incident.gone")}</h1>
      <p>
        <Link to="/incidents">{t("incident.back")}</Link>
      </p>
    </>
  );
}
