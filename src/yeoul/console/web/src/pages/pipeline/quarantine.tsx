/** Lines that are no rows: how many, why, the newest of them, and decoding them again. */
import { useMemo, useState } from "react";
import { post, useSession } from "../../live/rest";
import type { Quarantine, QuarantineSample } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { size, whole } from "../../parts/figures";
import { Moment } from "../../parts/moment";
import { refusal } from "../../parts/refusal";
import { type Column, Table } from "../../parts/table/table";

export function QuarantineSection({ stream, quarantine }: { stream: string; quarantine: Quarantine }) {
  const { t, locale } = useWords();
  return (
    <section className="section" aria-labelledby="quarantine-head" data-testid="quarantine">
      <div className="section__head">
        <h2 id="quarantine-head">{t("pipeline.quarantine")}</h2>
        {quarantine.rows > 0 && <RedriveButton stream={stream} />}
      </div>
      {quarantine.rows === 0 ? (
        <p className="note">{t("pipeline.quarantine.none")}</p>
      ) : (
        <p>
          {t("pipeline.quarantine.sentence", {
            n: whole(locale, quarantine.rows),
            bytes: size(locale, quarantine.bytes),
          })}{" "}
          {(quarantine.dropped_rows ?? 0) > 0 &&
            t("pipeline.quarantine.dropped", { n: whole(locale, quarantine.dropped_rows ?? 0) })}
        </p>
      )}
      <Reasons quarantine={quarantine} />
      {quarantine.samples.length > 0 && <Samples samples={quarantine.samples} />}
    </section>
  );
}

function Reasons({ quarantine }: { quarantine: Quarantine }) {
  const { locale } = useWords();
  const reasons = Object.entries(quarantine.reasons).sort((a, b) => b[1] - a[1]);
  const most = reasons[0]?.[1] ?? 1;
  return (
    <ul className="reasons">
      {reasons.slice(0, 6).map(([reason, rows]) => (
        <li key={reason}>
          <span>{reason}</span>
          <span className="reasons__rows">{whole(locale, rows)}</span>
          <span className="reasons__bar" aria-hidden="true">
            <span style={{ width: `${(rows / most) * 100}%` }} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Samples({ samples }: { samples: QuarantineSample[] }) {
  const { t, locale } = useWords();
  const columns = useMemo(
    (): Column<QuarantineSample>[] => [
      { id: "when", head: t("pipeline.when"), cell: (each) => <Moment us={each.at_us} seconds /> },
      { id: "reason", head: t("pipeline.reason"), cell: (each) => <span title={each.reason}>{each.reason}</span> },
      {
        id: "source",
        head: t("pipeline.source"),
        cell: (each) => <span title={each.source}>{`${each.source.split("/").at(-1)} @ ${whole(locale, each.position)}`}</span>,
      },
      { id: "size", head: t("pipeline.size"), align: "end", cell: (each) => size(locale, each.size_bytes) },
      {
        id: "line",
        head: t("pipeline.quarantine.line"),
        wide: true,
        cell: (each) => (
          <span className="mono" title={each.preview}>
            {each.preview}
          </span>
        ),
      },
    ],
    [t, locale],
  );
  return (
    <Table label={t("pipeline.quarantine")} columns={columns} rows={samples} rowId={(each) => String(each.id)} testId="samples" />
  );
}

function RedriveButton({ stream }: { stream: string }) {
  const words = useWords();
  const { t } = words;
  const { session } = useSession();
  const [answer, setAnswer] = useState("");
  const [busy, setBusy] = useState(false);
  async function redrive() {
    setBusy(true);
    try {
      const { done } = await post<{ done: boolean }>("/api/quarantine/redrive", { stream, ids: null }, session.csrf);
      setAnswer(t(done ? "pipeline.redriven" : "pipeline.redriving"));
    } catch (error) {
      setAnswer(refusal(words, error));
    }
    setBusy(false);
  }
  return (
    <span className="redrive">
      <button type="button" className="button" disabled={busy} onClick={redrive} data-testid="redrive">
        {t("pipeline.redrive")}
      </button>
      <span role="status" className="note">
        {answer}
      </span>
    </span>
  );
}
