/** Every alarmed window of the incident, with the reasons that the detector gave. */
import { useMemo } from "react";
import type { Finding } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { figure, odds } from "../../parts/figures";
import { Moment } from "../../parts/moment";
import { keyName } from "../../parts/naming";
import { say } from "../../parts/said";
import { type Column, Table } from "../../parts/table/table";

export function FindingTable({ findings, updates }: { findings: Finding[]; updates: number }) {
  const words = useWords();
  const columns = useMemo((): Column<Finding>[] => {
    const { t, locale } = words;
    return [
      {
        id: "time",
        head: t("chart.time"),
        cell: (each) => <Moment us={each.start_us} seconds />,
        sort: (each) => each.start_us,
      },
      { id: "who", head: t("incidents.who"), cell: (each) => keyName(words, each.key), sort: (each) => keyName(words, each.key) },
      { id: "detector", head: t("incident.found_by"), cell: (each) => each.detector, sort: (each) => each.detector },
      {
        id: "seen",
        head: t("incident.seen"),
        align: "end",
        cell: (each) => <b className="is-alarm">{figure(locale, each.observed)}</b>,
        sort: (each) => each.observed,
      },
      {
        id: "band",
        head: t("chart.band"),
        align: "end",
        cell: (each) => `${figure(locale, each.lower)} – ${figure(locale, each.upper)}`,
      },
      {
        id: "odd",
        head: t("incident.odd"),
        align: "end",
        cell: (each) => t("incident.odd.short", { n: odds(locale, each.score) }),
        sort: (each) => each.score,
      },
      { id: "why", head: t("pipeline.reason"), wide: true, cell: (each) => <Why finding={each} /> },
    ];
  }, [words]);
  return (
    <section className="section" aria-labelledby="findings-head">
      <div className="section__head">
        <h2 id="findings-head">{words.t("incident.findings")}</h2>
        <span className="note">{words.t("table.rows", { n: findings.length })}</span>
      </div>
      <Table
        label={words.t("incident.findings")}
        columns={columns}
        rows={findings}
        rowId={(each) => each.id}
        testId="findings"
        updates={updates}
      />
    </section>
  );
}

function Why({ finding }: { finding: Finding }) {
  const words = useWords();
  const text = finding.why.map((said) => say(words, "why", said)).join("; ");
  return <span title={text}>{text}</span>;
}
