/** A choice among a few, held in the address. */
import { useQuery } from "../shell/route";

type Props = { label: string; query: string; options: string[]; chosen: string; names?: Record<string, string> };

export function Tabs({ label, query, options, chosen, names = {} }: Props) {
  const [, choose] = useQuery(query);
  return (
    <div className="tabs" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option}
          type="button"
          className="button button--quiet"
          aria-pressed={option === chosen}
          onClick={() => choose(option === options[0] ? null : option)}
        >
          {names[option] ?? option}
        </button>
      ))}
    </div>
  );
}
