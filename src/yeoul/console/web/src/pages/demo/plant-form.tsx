/** What to plant, where, how strong and how long. */
import { type FormEvent, useState } from "react";
import { post, useSession } from "../../live/rest";
import type { PlantKind, Planted } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { refusal } from "../../parts/refusal";
import { figure } from "../../parts/figures";
import { useQuery } from "../../shell/route";

export function PlantForm({ kinds }: { kinds: Record<string, PlantKind> }) {
  const words = useWords();
  const { t, coded, locale } = words;
  const { session } = useSession();
  const names = Object.keys(kinds);
  const [chosen, choose] = useQuery("kind");
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState("");
  const name = names.find((each) => each === chosen) ?? names[0] ?? "";
  const kind = kinds[name];
  if (!kind) return null;

  async function plant(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const number = (field: string) => (form.get(field) ? Number(form.get(field)) : null);
    const target = String(form.get("target") ?? "").trim() || null;
    const wish = { kind: name, target, magnitude: number("magnitude"), duration_s: number("duration_s") };
    setBusy(true);
    setRefused("");
    try {
      await post<Planted>("/api/demo/plant", wish, session.csrf);
    } catch (error) {
      setRefused(refusal(words, error));
    }
    setBusy(false);
  }

  return (
    <form className="plant section" onSubmit={plant} data-testid="plant-form">
      <fieldset className="plant__kinds">
        <legend className="visually-hidden">{t("demo.kind")}</legend>
        {names.map((each) => (
          <label key={each} className="plant__kind">
            <input type="radio" name="kind" value={each} checked={each === name} onChange={() => choose(each)} />
            <span>
              <b>{coded("demo.kind", each) ?? each}</b>
              <span className="note">{coded("demo.kind", `${each}.note`)}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div className="plant__fields" key={name}>
        <label className="field">
          {coded("demo.target", kind.target) ?? kind.target}
          <input name="target" placeholder={t("demo.target.any")} maxLength={200} autoComplete="off" />
        </label>
        {kind.lowest < kind.highest && (
          <label className="field">
            {t("demo.magnitude", { low: figure(locale, kind.lowest), high: figure(locale, kind.highest) })}
            <input
              name="magnitude"
              type="number"
              step="any"
              min={kind.lowest}
              max={kind.highest}
              defaultValue={kind.magnitude}
            />
          </label>
        )}
        <label className="field">
          {t("demo.duration")}
          <input name="duration_s" type="number" min={1} max={86400} defaultValue={kind.duration_s} />
        </label>
      </div>
      <button className="button button--first" disabled={busy} data-testid="plant">
        {t(busy ? "demo.planting" : "demo.plant")}
      </button>
      {refused && (
        <p role="alert" className="is-alarm">
          {refused}
        </p>
      )}
    </form>
  );
}
