/** The one table of the console: sortable, and only as many rows in the document as are in sight. */
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useWords } from "../../messages/language";
import { windowOf } from "./window";
import "./table.css";

export type Column<Row> = {
  id: string;
  head: string;
  cell: (row: Row) => ReactNode;
  /** Makes the column sortable. */
  sort?: (row: Row) => number | string;
  align?: "end";
  wide?: boolean;
};

type Props<Row> = {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowId: (row: Row) => string;
  testId: string;
  updates?: number;
};

const ROW_PX = 36;
const VIEW_PX = 12 * ROW_PX;

export function Table<Row>({ label, columns, rows, rowId, testId, updates }: Props<Row>) {
  const { t } = useWords();
  const [order, setOrder] = useState<{ id: string; down: boolean } | null>(null);
  const [scroll, setScroll] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const sorted = useMemo(() => {
    const by = columns.find((column) => column.id === order?.id)?.sort;
    if (!by || !order) return rows;
    const sign = order.down ? -1 : 1;
    return [...rows].sort((a, b) => {
      const [one, other] = [by(a), by(b)];
      return one === other ? 0 : (one < other ? -1 : 1) * sign;
    });
  }, [rows, columns, order]);
  const { first, last, before_px, after_px } = windowOf(sorted.length, ROW_PX, scroll, VIEW_PX);
  useEffect(() => {
    box.current?.scrollTo({ top: 0 });
  }, [order]);
  return (
    <div
      className="table"
      ref={box}
      role="group"
      aria-label={label}
      tabIndex={0}
      data-testid={testId}
      data-updated={updates}
      onScroll={(event) => setScroll(event.currentTarget.scrollTop)}
    >
      <table aria-rowcount={sorted.length + 1} aria-label={label}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <Head key={column.id} column={column} order={order} choose={setOrder} title={t("table.sort", { column: column.head })} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before_px > 0 && <Space px={before_px} columns={columns.length} />}
          {sorted.slice(first, last).map((row, at) => (
            <tr key={rowId(row)} aria-rowindex={first + at + 2}>
              {columns.map((column) => (
                <td key={column.id} className={classes(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {after_px > 0 && <Space px={after_px} columns={columns.length} />}
        </tbody>
      </table>
    </div>
  );
}

function classes<Row>(column: Column<Row>): string {
  return `${column.align === "end" ? "is-end" : ""} ${column.wide ? "is-wide" : ""}`.trim();
}

function Space({ px, columns }: { px: number; columns: number }) {
  return (
    <tr aria-hidden="true" className="table__space">
      <td colSpan={columns} style={{ height: px }} />
    </tr>
  );
}

type HeadProps<Row> = {
  column: Column<Row>;
  order: { id: string; down: boolean } | null;
  choose: (order: { id: string; down: boolean }) => void;
  title: string;
};

function Head<Row>({ column, order, choose, title }: HeadProps<Row>) {
  const mine = order?.id === column.id;
  const sort = mine ? (order.down ? "descending" : "ascending") : "none";
  return (
    <th scope="col" className={classes(column)} {...(column.sort ? { "aria-sort": sort } : {})}>
      {column.sort ? (
        <button type="button" title={title} onClick={() => choose({ id: column.id, down: mine ? !order.down : true })}>
          {column.head}
          <span aria-hidden="true">{mine ? (order.down ? " ↓" : " ↑") : ""}</span>
        </button>
      ) : (
        column.head
      )}
    </th>
  );
}
