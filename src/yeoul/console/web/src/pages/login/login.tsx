/** The password, when the console asks for one. */
import { type FormEvent, useState } from "react";
import { post, useSession } from "../../live/rest";
import { useWords } from "../../messages/language";
import { refusal } from "../../parts/refusal";

export default function SignIn() {
  const words = useWords();
  const { t } = words;
  const { session, refresh } = useSession();
  const [refused, setRefused] = useState("");
  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password"));
    try {
      await post("/api/login", { password }, session.csrf);
      refresh();
    } catch (error) {
      setRefused(refusal(words, error));
    }
  }
  return (
    <form onSubmit={send} className="login">
      <h1 className="headline">{t("login.title")}</h1>
      <label className="field">
        {t("login.password")}
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button className="button button--first">{t("login.go")}</button>
      {refused && <p role="alert">{t("login.wrong", { detail: refused })}</p>}
    </form>
  );
}
