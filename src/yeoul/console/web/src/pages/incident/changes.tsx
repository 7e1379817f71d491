/** How the incident went, step by step. */
import type { Change } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { Moment } from "../../parts/moment";
import { say } from "../../parts/said";

export function Changes({ changes }: { changes: Change[] }) {
  const words = useWords();
  return (
    <section className="section" aria-labelledby="changes-head" data-testid="changes">
      <h2 id="changes-head">{words.t("incident.changes")}</h2>
      <ol className="changes">
        {changes.map((change, at) => (
          <li key={at} className={`changes__step changes__step--${change.code}`}>
            <Moment us={change.at_us} seconds /> <span>{say(words, "change", change)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
