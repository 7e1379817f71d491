/** A few figures in a row, each with its name. */
import type { ReactNode } from "react";

export type Fact = { name: string; value: ReactNode; note?: string };

export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl className="facts">
      {facts.map((fact) => (
        <div key={fact.name}>
          <dt>{fact.name}</dt>
          <dd>
            {fact.value}
            {fact.note && <span className="note facts__note">{fact.note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A dash for what is not known. */
export function known<T>(value: T | null | undefined, show: (value: T) => ReactNode): ReactNode {
  return value === null || value === undefined ? "–" : show(value);
}
