(settings) => {
    document.documentElement.lang = "en";
    // What gradio does not let Python say to a screen reader.
    const spoken = [
        ["#verdict", "aria-live", "polite"],
        ["#film button", "aria-label", "Drop a film or choose a file"],
        ["#point", "aria-label", "Operating point"],
        ["#model", "aria-label", "Model"],
        ["#caution", "aria-live", "polite"],
        ["#list-caution", "aria-live", "polite"],
        ["#compare-sides", "aria-live", "polite"],
        ["#compare-film button", "aria-label", "Drop a film or choose a file"],
        ["#compare-models", "aria-label", "Models to compare"],
        ["#card-model", "aria-label", "Model"],
        ["#films button", "aria-label", "Drop films, folders or zip archives, or choose films"],
        ["#folder button", "aria-label", "Choose a folder"],
        ["#list-model", "aria-label", "Model"],
        ["#list-point", "aria-label", "Operating point"],
        ["#film input[type=file]", "multiple", ""],
    ];
    const speak = () => {
        for (const [place, name, words] of spoken) {
            const part = document.querySelector(place);
            if (part && part.getAttribute(name) !== words) part.setAttribute(name, words);
        }
    };
    // Whoever logged in can log out: reading rooms share their screens.
    const offerLogout = () => {
        const head = document.querySelector("header");
        if (!window.gradio_config?.username || !head || head.querySelector(".logout")) return;
        head.insertAdjacentHTML("beforeend", '<a class="logout" href="logout">Log out</a>');
    };
    // The address names the tab and the model, so that a link leads to them.
    const address = new URLSearchParams(location.search);
    const model = address.get("model");
    const wanted = { tab: address.get("tab"), model, card: model };
    const places = {
        tab: (name) => document.querySelector(`[role=tab][data-tab-id="${CSS.escape(name)}"]`),
        model: (name) => document.querySelector(`#model input[value="${CSS.escape(name)}"]`),
        card: (name) => document.querySelector(`#card-model input[value="${CSS.escape(name)}"]`),
    };
    const answers = { model: "#details", card: "#card .facts dd" };
    let own = false; // the user has chosen a model
    // A choice that is made before gradio listens is lost: make it again, unless the user chose.
    const press = (find) => {
        const place = find();
        if (place) { place.checked = false; place.click(); }
    };
    // A part that holds the choice already tells nobody of it again: another one goes before.
    const again = (find) => {
        const place = find(), group = place?.closest("fieldset, .block");
        [...(group?.querySelectorAll("input[type=radio]") ?? [])].find((input) => input !== place)?.click();
        setTimeout(() => { if (!own) press(find); }, 100);
    };
    // An answer to what the page showed at first may come after the one to the choice: look more than once.
    const choose = (find, answered, turns, how = press) => {
        how(find);
        const nothing = () => {};
        if (turns) setTimeout(() => { if (!own) choose(find, answered, turns - 1, answered() ? nothing : again); }, 3000);
    };
    const open = () => {
        for (const [kind, name] of Object.entries(wanted)) {
            const place = name && places[kind](name);
            if (!place) continue;
            wanted[kind] = null;
            if (kind === "tab") place.click();
            else choose(() => places[kind](name), () => document.querySelector(answers[kind])?.textContent.includes(name.split("@")[0]), 5);
        }
    };
    const keep = (kind, name) => {
        address.set(kind, name);
        history.replaceState(null, "", `?${address}`);
    };
    const visible = (place) => {
        const part = document.querySelector(place);
        return part?.checkVisibility() ? part : null;
    };
    const soon = (find, act) => {
        const found = find();
        if (found) act(found);
        else requestAnimationFrame(() => soon(find, act));
    };
    // Back in the list, the film that was opened last is in sight and the next one key away.
    const toRow = (list) => {
        const row = list.querySelector("tr[aria-current=true]");
        row?.scrollIntoView({ block: "center" });
        row?.querySelector("button").focus({ preventScroll: true });
    };
    document.addEventListener("click", (event) => {
        const tab = event.target.closest?.("[role=tab]");
        if (tab) keep("tab", tab.dataset.tabId);
        if (tab?.dataset.tabId === "worklist") soon(() => visible("#list"), toRow);
    });
    // The reader's own answer, from the film by a digit; after it the film has the focus again.
    document.addEventListener("keydown", (event) => {
        const answer = "123".indexOf(event.key), asked = visible("#own");
        if (answer >= 0 && asked && event.target.matches(".stage")) asked.querySelectorAll("button")[answer].click();
    });
    document.addEventListener("click", (event) => {
        if (event.target.closest?.("#own button")) document.dispatchEvent(new Event("hold-film"));
    });
    document.addEventListener("change", (event) => {
        if (!event.target.matches("#model input, #card-model input")) return;
        own ||= event.isTrusted;
        keep("model", event.target.value);
    });
    const look = () => { speak(); offerLogout(); open(); };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
    look();
    // Screens that take one film: what their #film, #sent and #refused begin with.
    const screens = ["", "compare-"];
    const zone = (screen) => document.querySelector(`#${screen}film`);
    // A film may be dropped anywhere, or pasted; else the browser would leave the page for it.
    const handOver = (event, files) => {
        const places = [...screens.map(zone), document.querySelector("#films")];
        const shown = places.find((place) => place?.checkVisibility());
        if (!shown || !files?.length) return;
        event.preventDefault();
        event.stopPropagation();
        give(shown, files);
    };
    const give = (place, files) => {
        const input = place.querySelector("input[type=file]");
        input.files = files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    // Several films for the screen of one film make a worklist, and so do folders.
    const makeList = (files, place) => {
        const carried = new DataTransfer();
        for (const file of files) carried.items.add(file);
        document.querySelector('[role=tab][data-tab-id="worklist"]').click();
        soon(() => document.querySelector(`${place} input[type=file]`) && visible(place),
            (shown) => give(shown, carried.files));
    };
    const called = (act) => new Promise((resolve, reject) => act(resolve, reject));
    const filesOf = async (entry) => {
        if (entry.isFile) return [await called((...ends) => entry.file(...ends))];
        const reader = entry.createReader(), found = [];
        for (let some = [null]; some.length;) {  // it tells a hundred at a time
            some = await called((...ends) => reader.readEntries(...ends));
            for (const inside of some) found.push(...await filesOf(inside));
        }
        return found;
    };
    const takeFolders = async (entries) => {
        const found = await Promise.all(entries.map(filesOf));
        makeList(found.flat(), "#folder");
    };
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
        event.preventDefault();
        const items = [...event.dataTransfer.items];
        const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
        if (!entries.some((entry) => entry.isDirectory)) {
            handOver(event, event.dataTransfer.files);
            return;
        }
        event.stopPropagation();
        takeFolders(entries);
    }, true);
    document.addEventListener("paste", (event) => handOver(event, event.clipboardData?.files));
    // A server on the way may refuse an upload. gradio then tells what that server said and shows no
    // end of it: say it in words, leave no film waited for, and take the next file.
    let sending = null;  // the screen that a film is on its way to; null for a list
    const tellWhy = (screen, why) => {
        document.documentElement.dataset.notSent = why;
        document.querySelector(`#${screen}refused`).click();
    };
    const ready = () => document.querySelectorAll(".clear-status button").forEach((button) => button.click());
    const plainFetch = window.fetch;
    window.fetch = async (...asked) => {
        const address = String(asked[0]?.url ?? asked[0]);
        if (!/\/gradio_api\/upload(\?|$)/.test(address)) return plainFetch(...asked);
        const answer = await plainFetch(...asked).catch(() => null);
        if (answer?.ok) return answer;
        const words = settings.upload_failures, why = String(answer?.status ?? "");
        if (sending !== null) tellWhy(sending, why);
        setTimeout(ready, 500);
        return new Response(words[why] ?? words[""], { status: answer?.status ?? 503 });
    };
    // The last verdict goes as soon as a file is handed over, whatever becomes of that file.
    document.addEventListener("change", (event) => {
        if (event.target.type !== "file") return;
        const screen = screens.find((screen) => zone(screen)?.contains(event.target));
        sending = null;
        if (screen === undefined) return;
        const files = [...event.target.files];
        if (screen === "" && files.length > 1) {
            event.stopPropagation();
            event.target.value = "";
            makeList(files, "#films");
            return;
        }
        sending = screen;
        const fits = files.length === 1 && files[0].size <= settings.max_upload_mb * 1024 * 1024;
        if (fits) {
            document.querySelector(`#${screen}sent`).click();
            return;
        }
        tellWhy(screen, "refused");
        event.stopPropagation();
        event.target.value = "";
    }, true);
}
