/** The splits of a stream, one line each. */
import { useMemo } from "react";
import type { Split } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { known } from "../../parts/facts";
import { whole } from "../../parts/figures";
import { Moment } from "../../parts/moment";
import { type Column, Table } from "../../parts/table/table";
import { span } from "../../parts/times";
import { backlog } from "./backlog";

type Row = Split & { name: string };

export function SplitTable({ splits, updates }: { splits: Record<string, Split>; updates: number }) {
  const words = useWords();
  const { t, locale } = words;
  const rows = useMemo(() => Object.entries(splits).map(([name, split]) => ({ ...split, name })), [splits]);
  const columns = useMemo(
    (): Column<Row>[] => [
      {
        id: "name",
        head: t("pipeline.split"),
        cell: (each) => <span title={each.source}>{each.name}</span>,
        sort: (each) => each.name,
      },
      {
        id: "status",
        head: t("pipeline.status"),
        cell: (each) => words.coded("split", each.status) ?? each.status,
        sort: (each) => each.status,
      },
      {
        id: "lag",
        head: t("pipeline.lag"),
        align: "end",
        cell: (each) => known(each.lag_s, (value) => span(words, value)),
        sort: (each) => each.lag_s ?? -1,
      },
      {
        id: "backlog",
        head: t("pipeline.backlog"),
        align: "end",
        cell: (each) => backlog(words, each),
        sort: (each) => each.backlog_bytes ?? -1,
      },
      { id: "front", head: t("pipeline.front"), align: "end", cell: (each) => <Moment us={each.front_us} seconds /> },
      {
        id: "watermark",
        head: t("pipeline.watermark"),
        align: "end",
        cell: (each) => <Moment us={each.watermark_us} seconds />,
        sort: (each) => each.watermark_us ?? 0,
      },
      {
        id: "rows",
        head: t("pipeline.rows"),
        align: "end",
        cell: (each) => whole(locale, each.ledger.read),
        sort: (each) => each.ledger.read,
      },
      {
        id: "not",
        head: t("pipeline.not_counted"),
        align: "end",
        cell: (each) => whole(locale, each.ledger.read - each.ledger.counted),
        sort: (each) => each.ledger.read - each.ledger.counted,
      },
      {
        id: "position",
        head: t("pipeline.position"),
        align: "end",
        cell: (each) => known(each.offset, (value) => whole(locale, value)),
      },
    ],
    [words, t, locale],
  );
  return (
    <section className="section" aria-labelledby="splits-head">
      <div className="section__head">
        <h2 id="splits-head">{t("pipeline.splits")}</h2>
        <span className="note">{t("table.rows", { n: rows.length })}</span>
      </div>
      {rows.length === 0 ? (
        <p className="note">{t("pipeline.splits.none")}</p>
      ) : (
        <Table
          label={t("pipeline.splits")}
          columns={columns}
          rows={rows}
          rowId={(each) => each.name}
          testId="splits"
          updates={updates}
        />
      )}
    </section>
  );
}
