/** What the alarm policy held back in the last hour and why, what the calendar says, and what it muted. */
import { useEffect, useMemo, useState } from "react";
import { useTopic } from "../../live/hooks";
import { ask } from "../../live/rest";
import type { MutedFinding, Now, Watch } from "../../live/shapes";
import { useWords, type Words } from "../../messages/language";
import { figure } from "../../parts/figures";
import { Moment } from "../../parts/moment";
import { keyName } from "../../parts/naming";
import { type Column, Table } from "../../parts/table/table";
import { clock } from "../../parts/times";
import { isUnwatched } from "../now/status";

const HELD = ["volume", "history", "effect", "chance", "muted"] as const;
const ALARMED = ["single", "sustained"] as const;

/** "131 odd, of which 120 below the volume floor, 10 alarmed". */
export function policyText(words: Words, watch: Watch): string {
  const count = (rule: string) => watch.hour[rule] ?? 0;
  const alarmed = ALARMED.reduce((sum, rule) => sum + count(rule), 0);
  const odd = HELD.reduce((sum, rule) => sum + count(rule), alarmed);
  if (odd === 0) return words.t("policy.nothing");
  const parts = HELD.filter((rule) => count(rule) > 0).map((rule) =>
    words.t(`policy.${rule}`, { n: figure(words.locale, count(rule)) }),
  );
  parts.push(words.t("policy.alarmed", { n: figure(words.locale, alarmed) }));
  return words.t("policy.odd", { n: figure(words.locale, odd), parts: parts.join(", ") });
}

export function Policy() {
  const words = useWords();
  const { t, locale } = words;
  const now = useTopic<Now>("now").data;
  const watches = Object.entries(now?.watches ?? {});
  const muted = useMuted(watches.reduce((sum, [, watch]) => sum + (watch.hour["muted"] ?? 0), 0));
  if (watches.length === 0 && muted.length === 0) {
    return now && isUnwatched(now) ? <p className="note">{t("status.counting.note")}</p> : null;
  }
  return (
    <section className="section" aria-labelledby="policy-head" data-testid="policy">
      <h2 id="policy-head">{t("policy.title")}</h2>
      <dl className="policy">
        {watches.map(([block, watch]) => (
          <div key={block}>
            <dt>{block}</dt>
            <dd>
              {policyText(words, watch)}
              {watch.calendar.map((entry) => (
                <span key={entry.name} className="badge" data-testid="calendar">
                  {t(entry.action === "mute" ? "policy.calendar.mute" : "policy.calendar.rebaseline", {
                    name: entry.name,
                    keys: entry.keys,
                    time: clock(locale, entry.until_us),
                  })}
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      {muted.length > 0 && <MutedTable findings={muted} />}
    </section>
  );
}

/** Findings that the calendar muted, asked for again when there are more. */
function useMuted(count: number): MutedFinding[] {
  const [findings, setFindings] = useState<MutedFinding[]>([]);
  useEffect(() => {
    ask<{ findings: MutedFinding[] }>("/api/muted").then(
      (answer) => setFindings(answer.findings),
      () => undefined, // the list stays as it was; that the console cannot be reached is said at the top
    );
  }, [count]);
  return findings;
}

function MutedTable({ findings }: { findings: MutedFinding[] }) {
  const words = useWords();
  const columns = useMemo((): Column<MutedFinding>[] => {
    const { t, locale } = words;
    return [
      { id: "time", head: t("chart.time"), cell: (each) => <Moment us={each.start_us} seconds />, sort: (each) => each.start_us },
      { id: "who", head: t("incidents.who"), cell: (each) => keyName(words, each.key), sort: (each) => keyName(words, each.key) },
      { id: "entry", head: t("policy.entry"), cell: (each) => <span className="badge">{each.muted}</span>, sort: (each) => each.muted },
      { id: "seen", head: t("incident.seen"), align: "end", cell: (each) => figure(locale, each.observed), sort: (each) => each.observed },
      {
        id: "band",
        head: t("chart.band"),
        align: "end",
        cell: (each) => `${figure(locale, each.lower)} – ${figure(locale, each.upper)}`,
      },
      { id: "block", head: t("incident.block"), cell: (each) => each.block, sort: (each) => each.block },
    ];
  }, [words]);
  return (
    <>
      <h3>{words.t("policy.muted_findings")}</h3>
      <Table label={words.t("policy.muted_findings")} columns={columns} rows={findings} rowId={(each) => each.id} testId="muted" />
    </>
  );
}
