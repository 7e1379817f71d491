/** Page *Pipeline*: how events get in: splits, lag, watermark, ledger, quarantine, checkpoints. */
import { useTopic } from "../../live/hooks";
import type { Pipeline } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { size } from "../../parts/figures";
import { say } from "../../parts/said";
import { Tabs } from "../../parts/tabs";
import { span } from "../../parts/times";
import { useQuery } from "../../shell/route";
import { Checkpoints } from "./checkpoints";
import { LedgerTable } from "./ledger-table";
import { Notices } from "./notices";
import { QuarantineSection } from "./quarantine";
import { SplitTable } from "./split-table";
import { StreamFacts } from "./stream-facts";
import "./pipeline.css";

export default function PipelinePage() {
  const words = useWords();
  const { t } = words;
  const { data, updates } = useTopic<Pipeline>("pipeline");
  const [chosen] = useQuery("stream");
  if (!data) return <p className="note">{t("app.loading")}</p>;
  const names = Object.keys(data.streams);
  const name = names.find((each) => each === chosen) ?? names[0];
  const stream = name === undefined ? undefined : data.streams[name];
  return (
    <div data-testid="pipeline" data-updated={updates}>
      <p className={`eyebrow ${data.health.status === "green" ? "" : "eyebrow--unsure"}`}>{t("pipeline.title")}</p>
      <h1 className="headline">
        <Sentence pipeline={data} />
      </h1>
      {data.health.causes.map((cause) => (
        <p key={cause.code} className="is-unsure pipeline__cause">
          {say(words, "health", cause)}
        </p>
      ))}
      {data.engine.status !== "running" && <p className="note">{t("status.unknown.note")}</p>}
      {names.length > 1 && name && <Tabs label={t("pipeline.stream")} query="stream" options={names} chosen={name} />}
      {name !== undefined && stream && (
        <>
          <StreamFacts stream={stream} />
          <SplitTable splits={stream.splits} updates={updates} />
          <LedgerTable ledger={stream.ledger} />
          <QuarantineSection stream={name} quarantine={stream.quarantine} />
        </>
      )}
      <div className="columns">
        <Checkpoints pipeline={data} />
        <Notices notices={data.notices} />
      </div>
    </div>
  );
}

function Sentence({ pipeline }: { pipeline: Pipeline }) {
  const words = useWords();
  const { t, locale } = words;
  if (pipeline.engine.status !== "running") return t("pipeline.sentence.stopped");
  const streams = Object.values(pipeline.streams);
  if (streams.every((stream) => Object.keys(stream.splits).length === 0)) return t("pipeline.sentence.none");
  const backlog = streams.reduce((sum, stream) => sum + (stream.backlog_bytes ?? 0), 0);
  // Some is always on its way: a megabyte is read within a fraction of a second.
  if (backlog > 1e6) return t("pipeline.sentence.behind", { bytes: size(locale, backlog) });
  const lag_s = Math.max(0, ...streams.map((stream) => stream.lag_s ?? 0));
  return t("pipeline.sentence.well", { lag: span(words, lag_s) });
}
