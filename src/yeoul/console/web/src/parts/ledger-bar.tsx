/** The ledger at a glance: what became of all rows, as a sentence and a bar. */
import { CLASSES, type Ledger } from "../live/shapes";
import { useWords } from "../messages/language";
import { percent, whole } from "./figures";
import "./ledger-bar.css";

export function LedgerBar({ ledger }: { ledger: Ledger }) {
  const { t, locale } = useWords();
  const other = ledger.read - ledger.counted;
  const sentence =
    ledger.read === 0
      ? t("ledger.none")
      : t(other === 0 ? "ledger.all" : "ledger.sentence", {
          read: whole(locale, ledger.read),
          counted: whole(locale, ledger.counted),
          other: whole(locale, other),
        });
  const there = CLASSES.filter((each) => ledger[each] > 0);
  return (
    <div className="ledger" data-testid="ledger">
      <p>{sentence}</p>
      <div className="ledger__bar" aria-hidden="true">
        {there.map((each) => (
          <span key={each} className={`ledger__part ledger__part--${each}`} style={{ flexGrow: ledger[each] }} />
        ))}
      </div>
      <ul className="ledger__legend note">
        {there.map((each) => (
          <li key={each} className={`ledger__name ledger__name--${each}`}>
            {t(`ledger.${each}`)} {percent(locale, ledger[each] / ledger.read)} %
          </li>
        ))}
      </ul>
    </div>
  );
}
