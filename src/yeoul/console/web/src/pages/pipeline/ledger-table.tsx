/** The ledger class by class, with what each class means. */
import { useMemo } from "react";
import { CLASSES, type Ledger, type LedgerClass } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { percent, whole } from "../../parts/figures";
import { LedgerBar } from "../../parts/ledger-bar";
import { type Column, Table } from "../../parts/table/table";

export function LedgerTable({ ledger }: { ledger: Ledger }) {
  const { t, locale } = useWords();
  const columns = useMemo(
    (): Column<LedgerClass>[] => [
      { id: "class", head: t("ledger.class"), cell: (each) => t(`ledger.${each}`) },
      { id: "rows", head: t("ledger.rows"), align: "end", cell: (each) => whole(locale, ledger[each]) },
      {
        id: "part",
        head: t("ledger.part"),
        align: "end",
        cell: (each) => (ledger.read ? `${percent(locale, ledger[each] / ledger.read)} %` : "–"),
      },
      { id: "meaning", head: t("ledger.meaning"), wide: true, cell: (each) => <Meaning of={each} /> },
    ],
    [t, locale, ledger],
  );
  return (
    <section className="section" aria-labelledby="ledger-head">
      <h2 id="ledger-head">{t("ledger.title")}</h2>
      <LedgerBar ledger={ledger} />
      <Table label={t("ledger.title")} columns={columns} rows={[...CLASSES]} rowId={String} testId="ledger-table" />
    </section>
  );
}

function Meaning({ of }: { of: LedgerClass }) {
  const { t } = useWords();
  return <span className="note">{t(`ledger.${of}.meaning`)}</span>;
}
