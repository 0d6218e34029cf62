() => {
    // Keep the open tab and the chosen model in the address, and open what the address names. Each
    // tab and each film of a worklist that is opened is an entry of the browser's history, so that Back
    // stays in the app. The state of an entry is its film, as list and place; null for any other film.
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
    let film = null;  // on the screen Read, as in the state of an entry

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
    const addEntry = (state) => history.pushState(state, "", `?${address}`);
    const updateEntry = (state = history.state) => history.replaceState(state, "", `?${address}`);
    const openedTab = () => address.get("tab") ?? FIRST_TAB;
    const rememberTab = (screens) => {
        const chosen = screens.querySelector("[role=tab][aria-selected=true]")?.dataset.tabId;
        if (!chosen || pending.tab || chosen === openedTab()) return;
        address.set("tab", chosen);
        addEntry(chosen === FIRST_TAB ? film : null);
    };
    const isSame = (one, other) => one?.list === other?.list && one?.place === other?.place;
    // A tab is opened by a click, by a row of the worklist, or by a file that is dropped.
    whenFound(() => document.querySelector("#screens"), (screens) =>
        new MutationObserver(() => rememberTab(screens)).observe(
            screens, { subtree: true, attributes: true, attributeFilter: ["aria-selected"] }));
    // A film that is opened from the table of the worklist belongs to the entry of the tab Read, which
    // may come before or after it.
    document.addEventListener("film-opened", ({ detail }) => {  // from film_navigation.js
        film = detail.film;
        if (openedTab() !== FIRST_TAB || isSame(history.state, film)) return;
        if (detail.fromTable) updateEntry(film);
        else addEntry(film);
    });
    addEventListener("popstate", ({ state }) => {
        const before = new URLSearchParams(location.search).get("tab") ?? FIRST_TAB;
        address.set("tab", before);
        updateEntry();  // the model is that of now
        tab(before)?.click();
        if (state && !isSame(state, film)) {
            document.dispatchEvent(new CustomEvent("open-film", { detail: state }));
        }
    });
    document.addEventListener("click", (event) => {
        if (event.target.closest?.("[role=tab]")) pending.tab = null;
    });
    document.addEventListener("change", (event) => {
        if (!event.target.matches("#model input, #card-model input")) return;
        userHasChosen ||= event.isTrusted && !scriptClicks;
        address.set("model", event.target.value);
        updateEntry();
    });
    onPageChange(openPending);
}
