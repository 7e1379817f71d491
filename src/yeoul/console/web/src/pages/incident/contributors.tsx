/** What of the key's parts made the difference, largest share first. */
import type { Contributor } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { figure, percent } from "../../parts/figures";
import { keyIds, keyName, keyText } from "../../parts/naming";

export function Contributors({ contributors }: { contributors: Contributor[] }) {
  const words = useWords();
  const { t, locale } = words;
  return (
    <section className="section" aria-labelledby="contributors-head" data-testid="contributors">
      <h2 id="contributors-head">{t("incident.contributors")}</h2>
      {contributors.length === 0 && <p className="note">{t("incident.contributors.none")}</p>}
      <ol className="contributors">
        {contributors.map((each) => (
          <li key={keyText(each.key)}>
            <span className="contributors__name">
              <b>{keyName(words, each.key)}</b> <span className="note">{keyIds(each.key)}</span>
            </span>
            <span className="note">
              {typeof each.observed === "number" &&
                typeof each.expected === "number" &&
                t("incident.contributors.detail", {
                  observed: figure(locale, each.observed),
                  expected: figure(locale, each.expected),
                })}
            </span>
            <span className="contributors__share">
              {each.share !== null && each.share !== undefined && t("incident.share", { percent: percent(locale, each.share) })}
            </span>
            <span className="contributors__bar" aria-hidden="true">
              <span style={{ width: `${Math.max(0, Math.min(1, each.share ?? 0)) * 100}%` }} />
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
