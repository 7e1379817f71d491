/** A chart's values as a table, newest first. */
import { useMemo } from "react";
import { useWords } from "../../messages/language";
import { figure } from "../figures";
import { Moment } from "../moment";
import { type Column, Table } from "../table/table";
import { type Drawing, outside } from "./drawing";

export function ChartTable({ drawing, testId }: { drawing: Drawing; testId: string }) {
  const { t, locale } = useWords();
  const rows = useMemo(() => drawing.at_us.map((_, at) => at).reverse(), [drawing]);
  const columns = useMemo(() => {
    const show = (value: number | null | undefined) =>
      value === null || value === undefined ? "–" : figure(locale, value);
    const found: Column<number>[] = [
      { id: "time", head: t("chart.time"), cell: (at) => <Moment us={drawing.at_us[at]} seconds /> },
      ...drawing.lines.map((line, index) => ({
        id: `line${index}`,
        head: line.label,
        align: "end" as const,
        cell: (at: number) =>
          index === 0 && outside(drawing, at) ? <b className="is-alarm">{show(line.values[at])}</b> : show(line.values[at]),
      })),
    ];
    const band = drawing.band;
    if (band) {
      found.push({ id: "lower", head: t("chart.lower"), align: "end", cell: (at) => show(band.lower[at]) });
      found.push({ id: "upper", head: t("chart.upper"), align: "end", cell: (at) => show(band.upper[at]) });
    }
    return found;
  }, [drawing, t, locale]);
  return <Table label={drawing.title} columns={columns} rows={rows} rowId={String} testId={testId} />;
}
