() => {
    // Keep the open tab and the chosen model in the address, and open what the address names. Each
    // tab that is opened is an entry of the browser's history, so that Back stays in the app.
    const RETRIES = 5, RETRY_MS = 3000;
    const FIRST_TAB = "read";
    const { onPageChange, tab, whenFound } = window.bonefx;
    const address = new URLSearchParams(location.search);
    const model = address.get("model");
    const pending = { tab: address.get("tab"), model, card: model };
    const choices = {
        tab,
        model: (name) => document.querySelector(`#model input[value="${CSS.escape(name)}"]`),
        card: (name) => document.querySelector(`#card-model input[value="${CSS.escape(name)}"]`),
    };
    const results = { model: "#details", card: "#card .facts dd" };  // they name the model in use
    let userHasChosen = false, scriptClicks = false;

    // Chromium calls a change event trusted even after click() by a script.
    const clickByScript = (input) => {
        scriptClicks = true;
        input?.click();
        scriptClicks = false;
    };

    const select = (find) => {
        const input = find();
        if (input) { input.checked = false; clickByScript(input); }
    };
    // Gradio ignores a click on the selected radio button: select another one first.
    const selectAgain = (find) => {
        const input = find(), group = input?.closest("fieldset, .block");
        const others = [...(group?.querySelectorAll("input[type=radio]") ?? [])];
        clickByScript(others.find((other) => other !== input));
        setTimeout(() => { if (!userHasChosen) select(find); }, 100);
    };
    // A choice is lost if gradio does not listen yet, or if an earlier answer arrives after the
    // answer to it: check several times that the page shows the model, unless the user chooses.
    const selectUntilShown = (find, isShown, retries, how = select) => {
        how(find);
        if (!retries) return;
        setTimeout(() => {
            const next = isShown() ? () => {} : selectAgain;
            if (!userHasChosen) selectUntilShown(find, isShown, retries - 1, next);
        }, RETRY_MS);
    };
    const showsModel = (kind, name) =>
        document.querySelector(results[kind])?.textContent.includes(name.split("@")[0]);
    const openPending = () => {
        for (const [kind, name] of Object.entries(pending)) {
            const element = name && choices[kind](name);
            if (!element) continue;
            pending[kind] = null;
            if (kind === "tab") element.click();
            else selectUntilShown(() => choices[kind](name), () => showsModel(kind, name), RETRIES);
        }
    };
    const remember = (key, value, { asEntry = false } = {}) => {
        address.set(key, value);
        history[asEntry ? "pushState" : "replaceState"](null, "", `?${address}`);
    };
    const openedTab = () => address.get("tab") ?? FIRST_TAB;
    const rememberTab = (screens) => {
        const chosen = screens.querySelector("[role=tab][aria-selected=true]")?.dataset.tabId;
        if (chosen && !pending.tab && chosen !== openedTab()) remember("tab", chosen, { asEntry: true });
    };
    // A tab is opened by a click, by a row of the worklist, or by a file that is dropped.
    whenFound(() => document.querySelector("#screens"), (screens) =>
        new MutationObserver(() => rememberTab(screens)).observe(
            screens, { subtree: true, attributes: true, attributeFilter: ["aria-selected"] }));
    addEventListener("popstate", () => {
        const before = new URLSearchParams(location.search).get("tab") ?? FIRST_TAB;
        address.set("tab", before);
        history.replaceState(null, "", `?${address}`);  // the model is that of now
        tab(before)?.click();
    });
    document.addEventListener("click", (event) => {
        if (event.target.closest?.("[role=tab]")) pending.tab = null;
    });
    document.addEventListener("change", (event) => {
        if (!event.target.matches("#model input, #card-model input")) return;
        userHasChosen ||= event.isTrusted && !scriptClicks;
        remember("model", event.target.value);
    });
    onPageChange(openPending);
}
