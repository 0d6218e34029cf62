(settings) => {
    // Send uploads: show how much has been sent, let the newest film win, and show why one failed.
    // A proxy may refuse an upload; gradio would then show the proxy's own page and wait without end.
    const { visible, whenFound } = window.bonefx;
    const SUPERSEDED = 499;  // status of an upload that a newer film has stopped
    // The screen that a film is being sent to, null for a worklist; and the request that sends it.
    const upload = { screen: null, request: null };
    // Wait for the answer to the announcement of the upload, which would wipe the reason away.
    const LONGEST_WAIT_MS = 2000;
    const showFailure = (screen, reason) => {
        const end = Date.now() + LONGEST_WAIT_MS;
        whenFound(() => visible(signOf(screen)) || Date.now() > end, () => {
            document.documentElement.dataset.notSent = reason;
            document.querySelector(`#${screen}refused`).click();
        });
    };
    const closeUploadStatus = () =>
        document.querySelectorAll(".clear-status button").forEach((button) => button.click());
    // Stop sending the last film of a screen: another one was opened there.
    const supersede = (screen) => {
        if (upload.request === null || upload.screen !== screen) return;
        upload.request.superseded = true;
        upload.request.abort();
    };

    const megabytes = (bytes) => (bytes / 1024 / 1024).toFixed(1);
    const signOf = (screen) => `${screen === "" ? "#viewer" : "#compare-sides"} .opening`;
    const showProgress = (screen, { loaded, total }) => {
        const sign = screen === null ? null : document.querySelector(signOf(screen));
        if (!sign?.checkVisibility()) return;
        const text = `Sending the film: ${megabytes(loaded)} of ${megabytes(total)} MB`;
        sign.querySelector("p").textContent = loaded < total ? text : sign.dataset.words;
        const bar = sign.querySelector("progress");
        bar.hidden = loaded >= total;
        bar.value = loaded / total;
    };
    // XMLHttpRequest, because fetch does not tell how much has been sent.
    const send = (address, { method, body, headers }, screen) => new Promise((resolve) => {
        const request = new XMLHttpRequest();
        upload.request = request;
        const end = (status, content = "") => {
            if (upload.request === request) upload.request = null;
            resolve({ status, content });
        };
        request.open(method, address);
        for (const [name, value] of Object.entries(headers ?? {})) request.setRequestHeader(name, value);
        request.upload.onprogress = (event) => showProgress(screen, event);
        request.onload = () => end(request.status, request.responseText);
        request.onerror = () => end(0);
        request.onabort = () => end(request.superseded ? SUPERSEDED : 0);
        request.send(body);
    });
    const browserFetch = window.fetch;
    window.fetch = async (...args) => {
        const address = String(args[0]?.url ?? args[0]);
        if (!/\/gradio_api\/upload(\?|$)/.test(address)) return browserFetch(...args);
        const screen = upload.screen;
        const { status, content } = await send(address, args[1], screen);
        if (status >= 200 && status < 300) return new Response(content, { status });
        setTimeout(closeUploadStatus, 500);  // else gradio takes no further file
        if (status === SUPERSEDED) return new Response("", { status });
        if (screen !== null) showFailure(screen, String(status || ""));
        const messages = settings.upload_failures;
        return new Response(messages[status] ?? messages[""], { status: status || 503 });
    };
    document.addEventListener("click", (event) => {
        if (event.target.closest?.("#examples button, #list .rows button")) supersede("");
        if (event.target.closest?.("#compare-examples button")) supersede("compare-");
    });
    document.addEventListener("film-navigation", () => supersede(""));
    Object.assign(window.bonefx, { upload, showFailure, supersede });
}
